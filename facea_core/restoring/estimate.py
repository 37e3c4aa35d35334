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
from .blocks import blur_and_noise
from .degrade import Damage
from .enlargement import found_enlargement, undone
from .jpeg import OF_LUMA, Compression, found_jpeg, lost
from .spectrum import BANDS, fitted

_LEAST, _MOST = 32, 512
"""Sides of the square, in pixels, that is looked at: a smaller head's surroundings help."""

_FEWEST = 16
"""Pixels along a side that can be read at all."""

_GREY = 1.5 / 255
"""Deviation of chroma below which there is none: JPEG rounds it."""

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
      texture and a photograph's grain count as noise.
    - With JPEG blur and noise are those that make the multiples of its steps likeliest, as in
      `blocks.py`; the spectrum alone tells the blur of what was enlarged before the compression.
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
    if jpeg:
        blur, noise = blur_and_noise(jpeg)
        # What an enlargement before the compression took is no blur.
        blur = blur if fits.enlarged == 1 else _beyond_sharp(fits.blur())
    else:
        white = _noise(_shrunk(y, fits.enlarged)) / _kept(fits.enlarged)
        blur, noise = _beyond_sharp(fits.blur(white)), white * 255 / OF_LUMA
    ratio = native / max(box.width, box.height) * times * fits.enlarged  # below 1 it will be shrunk
    return Damage(
        scale=min(max(ratio, 1), 256),
        blur=min(blur * ratio, 256),
        noise=min(noise, 255),
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


def _beyond_sharp(blur: float) -> float:
    """What is left of a blur that a spectrum tells, without that of sharp pictures."""
    return math.sqrt(max(blur**2 - _SHARP**2, 0))


def _noise(y: Tensor) -> float:
    """Deviation of white noise in `(H, W)`, where there is least of what no straight edge gives.

    The mask is Immerkær's of 1996; a mean would count corners and lashes as well.
    """
    mask = y.new_tensor([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    rough = F.conv2d(y[None, None], mask[None, None]).abs()
    quartile = rough.flatten().kthvalue(max(rough.numel() // 4, 1)).values
    return float(quartile) / 0.31864 / 6


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
