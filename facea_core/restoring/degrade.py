"""What old, small and compressed photos have lost, done to a clean picture on purpose.

y = grey(JPEG(shrunk(x * line * Gaussian) + noise)), the order of GFPGAN (Wang et al. 2021).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..io.images import check_image, from_pil, luma_of, to_pil
from ..seeds import seeded
from ..settings import check_settings, setting
from ..types import Size


@dataclass(frozen=True)
class Damage:
    """What happened to a clean picture. Raises `ConfigError` for a value that is out of range.

    `scale` is how many times it was shrunk, `blur` the deviation of a Gaussian in pixels of the
    clean picture, before the shrinking; `noise` that of each colour, in levels of 255, and `jpeg`
    the quality of the compression, both of the small picture. `motion` is the length of a
    horizontal line blur in pixels of the clean picture: for test data, no estimate gives it.
    """

    scale: float = setting(1.0, "how many times the picture was shrunk", 1, 256)
    blur: float = setting(0.0, "blur, in pixels of the clean picture", 0, 256)
    noise: float = setting(0.0, "noise of the small picture, in levels of 255", 0, 255)
    jpeg: int | None = setting(None, "JPEG quality of the small picture; none = no JPEG", 1, 100)
    grey: bool = setting(False, "colours were lost")
    motion: int = setting(0, "line blur, in pixels of the clean picture", 0, 1024)

    def __post_init__(self) -> None:
        check_settings(self)


_MIDDLE = Damage(scale=4, blur=1.5, noise=10, jpeg=60)

LEVELS: Mapping[str, Damage] = {
    "mild": Damage(scale=2, blur=1, noise=5, jpeg=80),
    "middle": _MIDDLE,
    "severe": Damage(scale=8, blur=2, noise=10, jpeg=40),
    "old": replace(_MIDDLE, grey=True),
    "motion": Damage(motion=9),
}
"""Damages for tests, of a picture of 128 pixels."""

_SIDE = 128


def levels(resolution: int) -> dict[str, Damage]:
    """`LEVELS` for a picture of that many pixels.

    One of 512 is shrunk twice as much as one of 128, and so has twice as many pixels left; its blur
    grows alike, to be the same in the small picture. A line keeps its share of the picture.
    """
    ratio = resolution / _SIDE
    more = math.sqrt(ratio)
    return {
        name: replace(
            level,
            scale=max(level.scale * more, 1) if level.scale > 1 else 1,
            blur=level.blur * more,
            motion=round(level.motion * ratio),
        )
        for name, level in LEVELS.items()
    }


def degrade(image: Tensor, damage: Damage, seed: int) -> Tensor:
    """Damages clean pictures `(B, 3, H, W)` in [0, 1]: `(B, 3, H / scale, W / scale)`, rounded.

    Picture i has the noise of `seed + i`, the same alone and in a batch. Not differentiable where
    there is JPEG. Raises ImageError for what is no picture.
    """
    small = damp(image, damage)
    if damage.noise:
        noise = torch.stack(
            [
                torch.randn(small.shape[1:], generator=seeded((seed + i) % 2**64))
                for i in range(len(small))
            ]
        )
        small = (small + noise.to(small) * (damage.noise / 255)).clamp(0, 1)
    if damage.jpeg is not None:
        small = torch.cat([_compressed(one, damage.jpeg) for one in small]).to(small)
    return luma_of(small).expand_as(small).contiguous() if damage.grey else small


def damp(image: Tensor, damage: Damage) -> Tensor:
    """The linear part of `degrade`: blurred and shrunk, without noise, JPEG and loss of colour.

    Differentiable; values stay in the range they are in. Raises ImageError for what is no picture.
    """
    image = check_image(image)
    height, width = image.shape[-2:]
    rows = _axis(height, damage.scale, damage.blur, 0)
    columns = _axis(width, damage.scale, damage.blur, damage.motion)
    return rows.to(image) @ image @ columns.to(image).mT


def enlarged(small: Tensor, size: Size) -> Tensor:
    """A small picture `(B, 3, h, w)` in bicubic interpolation at `size` (H, W), in [0, 1]."""
    return F.interpolate(small, size=tuple(size), mode="bicubic").clamp(0, 1)


def _axis(length: int, scale: float, blur: float, motion: float) -> Tensor:
    """What happens along one axis: `(small, length)`, whose rows sum to 1."""
    small = max(round(length / scale), 1)
    step = length / small
    weights = _boxes((torch.arange(small) + 0.5) * step, step, length)
    pixels = torch.arange(length) + 0.5
    if blur:
        away = (pixels[:, None] - pixels) / blur
        weights = weights @ _normal(torch.exp(-0.5 * away * away))
    return weights @ _boxes(pixels, motion, length) if motion > 1 else weights


def _boxes(centres: Tensor, width: float, length: int) -> Tensor:
    """Share of each of `length` pixels in the mean over `width` pixels around each centre."""
    start = torch.arange(length)
    low, high = centres[:, None] - width / 2, centres[:, None] + width / 2
    return _normal((torch.minimum(high, start + 1) - torch.maximum(low, start)).clamp(min=0))


def _normal(weights: Tensor) -> Tensor:
    return weights / weights.sum(dim=1, keepdim=True)


def _compressed(image: Tensor, quality: int) -> Tensor:
    """`(1, 3, H, W)` of `(3, H, W)` after JPEG."""
    with io.BytesIO() as file:
        to_pil(image).save(file, format="JPEG", quality=quality)
        file.seek(0)
        with Image.open(file) as picture:
            return from_pil(picture)
