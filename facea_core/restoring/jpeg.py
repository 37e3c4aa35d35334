"""Whether a picture was compressed as JPEG, and how strongly, from its pixels alone."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import LUMA, luma_of
from ..types import Size
from .degrade import Damage

OF_LUMA = math.sqrt(sum(weight**2 for weight in LUMA))
"""Deviation of luma by the deviation of each colour's noise."""

_LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""Quantisation of luma at quality 50, in annex K of the standard."""

_ROUNDED = 0.45
"""Deviation of a coefficient, in levels, by the rounding of pixels and of colours."""

_OUTLIERS = 0.05
"""Weight of coefficients that are no multiples for other reasons."""

_EVIDENCE = 12.0
"""Log of how much likelier a quality must be than none: there are 100 of them at 64 places."""

_LOST = 0.03
"""Share of the square of a quantisation step below which a spectrum is JPEG's own."""

_LEAST_BLOCKS, _MOST_BLOCKS = 6, 400
_MOST_PLACES, _MOST_VALUES = 80, 1000


class Compression(NamedTuple):
    """JPEG's `quality`, 1 to 100, and the `waves (blocks, 64)` of its blocks, in levels of 255,
    without blocks all of whose pixels were cut off, if there are others."""

    quality: int
    waves: Tensor


def found_jpeg(image: Tensor, corner: Size = (0, 0)) -> Compression | None:
    """How `(1, 3, H, W)` in [0, 1], 16 pixels and more, was compressed; None = no sign of it.

    The grid is that of the whole picture, of which `corner` are the rows and columns before this
    part; or, if it was cut since, where most high waves are 0, of all 64 places. On it the waves
    are whole multiples of the quantisation, if the picture was not resized since.
    """
    y = luma_of(image)[0, 0]
    grids = {(-corner[0] % 8, -corner[1] % 8), _grid(y)}
    return max((_on(image, y, grid) for grid in grids), key=lambda one: one[0])[1]


def _on(image: Tensor, y: Tensor, grid: Size) -> tuple[float, Compression | None]:
    """The evidence for a compression on a grid that starts there, and that, if it is enough."""
    down, across = grid
    waves = waves_of(y[down:, across:])
    # Where colours were cut off, luma is not what was compressed.
    cut = ((image <= 0) | (image >= 1)).any(dim=1).float()[0, down:, across:]
    whole = F.max_pool2d(cut[None], 8).flatten() == 0
    some = waves[whole] if int(whole.sum()) >= _LEAST_BLOCKS else waves
    some = some[:: math.ceil(len(some) / _MOST_BLOCKS) or 1, _low()]
    told = some.abs() > 2  # zeros fit every table
    values, steps = some[told], _tables()[:, _low()][:, told.nonzero()[:, 1]]
    every = math.ceil(len(values) / _MOST_VALUES) or 1
    values, steps = values[::every], steps[:, ::every]
    off = (values / steps - (values / steps).round()) * steps / _ROUNDED
    comb = steps / _ROUNDED / math.sqrt(2 * math.pi) * torch.exp(-off.square() / 2)
    evidence = ((1 - _OUTLIERS) * comb + _OUTLIERS).log().sum(1)  # (100,)
    best = int(evidence.argmax())
    proof = float(evidence[best])
    if proof <= _EVIDENCE:
        return proof, None
    seen = F.avg_pool2d(cut[None], 8).flatten() < 1
    return proof, Compression(best + 1, waves[seen] if bool(seen.any()) else waves)


def lost(quality: int, frequency: Tensor) -> Tensor:
    """The power, of values in [0, 1], below which a wave of that many periods per pixel is lost."""
    steps = steps_of(quality).view(8, 8)
    along = (steps[0] + steps[:, 0]) / 2
    at = (frequency * 16).clamp(max=6.99)
    low = at.long()
    step = torch.lerp(along[low], along[low + 1], at - low)
    return _LOST * (step / 255).square()


def error_of(damage: Damage) -> float:
    """By how much, in levels of 255, a small picture is off for noise and JPEG: root mean square.

    What the steps of low waves say, as measured on paintings and photographs at qualities 10 to 95:
    high waves are lost, and were small. The colours, halved in size, are off most; of the noise the
    less is left the larger the steps are. Single pictures are off by half to twice of that.
    """
    noise = damage.noise * (OF_LUMA if damage.grey else 1)
    if damage.jpeg is None:
        return noise
    low = steps_of(damage.jpeg).view(8, 8)[:4, :4]
    step = float(low.square().mean().sqrt()) / math.sqrt(12)
    lost = (2.8 if damage.grey else 4.3) * step**0.38
    return math.hypot(lost, 0.75 * damage.noise / math.sqrt(1 + step / 3))


def waves_of(luma: Tensor) -> Tensor:
    """The cosine transform of the whole blocks of `(H, W)` in [0, 1]: (blocks, 64), in levels."""
    height, width = (length // 8 for length in luma.shape)
    blocks = luma[: height * 8, : width * 8].reshape(height, 8, width, 8).transpose(1, 2)
    cosine = cosines()
    return (cosine @ (blocks.reshape(-1, 8, 8) * 255) @ cosine.T).flatten(1)


def steps_of(quality: int) -> Tensor:
    """The quantisation steps of luma's 64 waves, in levels, at a quality of 1 to 100."""
    return _tables()[quality - 1]


@lru_cache(maxsize=1)
def cosines() -> Tensor:
    """The discrete cosine transform of 8 values: (8, 8), orthonormal."""
    place = (torch.arange(8) + 0.5) / 8 * math.pi
    waves = torch.cos(torch.arange(8)[:, None] * place) / 2
    waves[0] /= math.sqrt(2)
    return waves


def _grid(y: Tensor) -> tuple[int, int]:
    """The row and column, 0 to 7, at which the first whole block starts."""
    around = y.unfold(0, 15, 8).unfold(1, 15, 8).flatten(0, 1)  # each holds every place once
    around = around[:: math.ceil(len(around) / _MOST_PLACES)]
    blocks = around.unfold(1, 8, 1).unfold(2, 8, 1) * 255  # (N, 8, 8, 8, 8)
    cosine = cosines()
    high = cosine @ blocks @ cosine.T
    order = torch.arange(8)[:, None] + torch.arange(8)
    zeros = (high[..., order >= 4].abs() < 1).float().mean((0, 3))
    down, across = divmod(int(zeros.argmax()), 8)
    return down, across


@lru_cache(maxsize=1)
def _low() -> Tensor:
    """Of the 64 waves, those of low frequency without the mean: the others are mostly 0."""
    order = torch.arange(8)[:, None] + torch.arange(8)
    return ((order > 0) & (order < 6)).flatten().nonzero()[:, 0]


@lru_cache(maxsize=1)
def _tables() -> Tensor:
    """(100, 64): the quantisation of each quality, as libjpeg makes it."""
    quality = torch.arange(1, 101)[:, None]
    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return ((torch.tensor(_LUMA_TABLE) * percent + 50) // 100).clamp(1, 255).float()
