"""What happened to a picture, from the picture alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..box import square_around
from ..errors import ConfigError, ImageError
from ..io.images import check_image, crop, luma_of
from ..seeds import seeded
from ..types import Box
from .degrade import Damage, degrade
from .enlargement import found_enlargement, undone
from .jpeg import OF_LUMA, Compression, found_jpeg, lost, roughness, waves_of
from .spectrum import BANDS, fitted

_LEAST, _MOST = 32, 512
"""Sides of the square, in pixels, that is looked at: a smaller head's surroundings help."""

_FEWEST = 16
"""Pixels along a side that can be read at all."""

_GREY = 1.5 / 255
"""Deviation of chroma below which there is none: JPEG rounds it."""

_NOISES = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 32.0, 40.0, 60.0)

_SHARP = 0.15
"""Blur, in pixels of the small picture, that sharp pictures are read with."""


def estimate_damage(image: Tensor, box: Box, native: int) -> Damage:
    """How a clean picture `native` pixels wide became what `box` shows of image `(1, 3, H, W)`.

    `box` is the head, or the crop around it, in pixels of the image; it may reach outside. `native`
    is the side in pixels at which its longer side will be painted: everything is told as `degrade`
    would have to do it to a picture of that size.

    - `scale`: `native` by the pixels there are, times the enlargement that hides in them. Where the
      whole image was enlarged and not touched since, the old pixels are computed, and all else is
      read in them; otherwise the spectrum tells: beyond the old pixels' limit it is empty.
    - `blur`: the Gaussian, in pixels of the clean picture, that takes as much of the high
      frequencies as is missing and not explained by `scale`. Of a very blurred picture without
      noise an enlargement cannot be told, nor does it matter: there it is part of the blur.
      Least is known of a blur below half a pixel of the small picture: sharp pictures differ by
      as much. More than 8 of those are told as 8.
    - `noise`: of each colour, in levels of 255, in the flattest quarter of the picture; fine
      texture and a photograph's grain count as noise. With JPEG it is the noise that is as rough
      after such a compression: below quality 60 little of it is left to tell from texture.
    - `jpeg`: as the grid of the pixels tells, or of the old ones; not found in a picture that was
      shrunk since, and seldom above 90.
    - `grey`: chroma does not vary. `motion` is never estimated: a line looks like blur.

    A head without damage has `scale` 1, or `native` by its pixels. Raises ImageError for what is no
    picture, and for a box outside of it, ConfigError for a `native` below 1.
    """
    image = check_image(image)
    if len(image) != 1:
        raise ImageError(f"there are {len(image)} pictures; give one, of shape (1, 3, H, W)")
    if native < 1:
        raise ConfigError(f"native is {native}; give the side of the painted crop in pixels")
    looked = _looked_at(box, image.shape[-2:])
    picture, times = crop(image, looked).cpu(), 1.0
    jpeg = found_jpeg(picture, (looked.y0, looked.x0))
    # What is zero after JPEG looks like an enlargement of 4/3.
    old = None if jpeg else _old_pixels(image, box, picture)
    if old:
        picture, times, jpeg = old
    y = luma_of(picture)[0, 0]
    fits = fitted(y, lost(jpeg.quality, BANDS) if jpeg else None, enlarged=not old)
    noise = _noise(_shrunk(y, fits.enlarged)) / _kept(fits.enlarged)
    ratio = native / max(box.width, box.height) * times * fits.enlarged  # below 1 it will be shrunk
    blur = fits.blur(None if jpeg else noise)
    blur = math.sqrt(max(blur**2 - _SHARP**2, 0))
    return Damage(
        scale=min(max(ratio, 1), 256),
        blur=min(blur * ratio, 256),
        noise=min(_before(jpeg) if jpeg else noise * 255 / OF_LUMA, 255),
        jpeg=jpeg.quality if jpeg else None,
        grey=_chroma(picture) < _GREY,
    )


def _old_pixels(
    image: Tensor, box: Box, picture: Tensor
) -> tuple[Tensor, float, Compression | None] | None:
    """What the box shows in the pixels before an enlargement, how many times as large it is now,
    and the compression of before."""
    size = (image.shape[-2], image.shape[-1])
    found = found_enlargement(picture, _looked_at(box, size), size)
    if not found:
        return None
    looked = _looked_at(box, size, found.times)
    part = crop(image, looked).cpu()
    pictures = [undone(part, looked, size, found.size, each) for each in found.interpolations]
    if min(pictures[0][0].shape[-2:]) < _FEWEST:
        return None
    read = [(old, found.times, found_jpeg(old, corner)) for old, corner in pictures]
    return next((each for each in read if each[2]), read[0])


def _noise(y: Tensor) -> float:
    """Deviation of white noise in `(H, W)`, where there is least of what no straight edge gives.

    The mask is Immerkær's of 1996; a mean would count corners and lashes as well.
    """
    mask = y.new_tensor([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    rough = F.conv2d(y[None, None], mask[None, None]).abs()
    quartile = rough.flatten().kthvalue(max(rough.numel() // 4, 1)).values
    return float(quartile) / 0.31864 / 6


def _before(jpeg: Compression) -> float:
    """Noise, in levels of each colour, that is as rough as this after such a compression."""
    seen, rough = roughness(jpeg.waves), _rough(jpeg.quality)
    above = int(torch.searchsorted(rough, seen))
    if above in (0, len(rough)):
        return _NOISES[min(above, len(rough) - 1)]
    low, high = float(rough[above - 1]), float(rough[above])
    part = (seen - low) / (high - low)
    return _NOISES[above - 1] + part * (_NOISES[above] - _NOISES[above - 1])


@lru_cache(maxsize=100)
def _rough(quality: int) -> Tensor:
    """The roughness of a flat picture with each of `_NOISES`, after JPEG."""
    flat = torch.full((1, 3, 96, 96), 0.5)
    made = (degrade(flat, Damage(noise=one, jpeg=quality), 0) for one in _NOISES)
    return torch.tensor([roughness(waves_of(luma_of(one)[0, 0])) for one in made]).cummax(0).values


def _looked_at(box: Box, size: Sequence[int], times: float = 1) -> Box:
    """The part of the image that is looked at: the middle of a very large box, more than a small
    one, of an image that was enlarged so many times."""
    height, width = size
    inside = box.clip((height, width))
    if not inside.area:
        raise ImageError(
            f"the box {tuple(box)} lies outside the picture of {width}x{height} pixels; give one "
            "around the head"
        )
    least = math.ceil(_LEAST * times)
    side = min(max(inside.width, inside.height, least), _MOST)
    if side == max(inside.width, inside.height) and min(inside.width, inside.height) >= least:
        return inside
    return square_around(inside.center, side, (height, width)).clip((height, width))


def _shrunk(y: Tensor, factor: float) -> Tensor:
    """The picture before it was enlarged, read at the middle of its pixels."""
    if factor == 1:
        return y
    size = [max(round(length / factor), 8) for length in y.shape]
    return F.interpolate(y[None, None], size=size, mode="bicubic")[0, 0]


@lru_cache(maxsize=64)
def _kept(factor: float) -> float:
    """The share of noise that is left by an enlargement and `_shrunk`."""
    if factor == 1:
        return 1.0
    noise = torch.randn(1, 1, 64, 64, generator=seeded(0))
    large = F.interpolate(noise, size=(round(64 * factor),) * 2, mode="bicubic")
    return _noise(_shrunk(large[0, 0], factor)) / _noise(noise[0, 0])


def _chroma(picture: Tensor) -> float:
    """How much the colours of `(1, 3, H, W)` vary beside its luma."""
    some = picture[..., ::2, ::2]
    return float((some - luma_of(some)).std(dim=(2, 3)).max())
