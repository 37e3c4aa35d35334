"""How much of a face a damaged photo still shows, and so how much has to come from the person."""

from __future__ import annotations

import math

import torch

from .degrade import Damage
from .jpeg import error_of

_COARSE = 4
"""Waves across a crop below which nothing tells people apart."""

_CONTRAST = 0.08
"""Deviation of the picture of a head within an octave: all have about the same (1/f amplitudes)."""


def detail_left(damage: Damage, native: int) -> float:
    """The share of its detail, in [0, 1], that a crop of `native` pixels still has.

    Of the octaves from four waves across to the finest that the model paints, the share of what
    Wiener's filter would keep of each: what blur and shrinking left, where it is above the noise.
    """
    octaves = math.log2(native / 2 / _COARSE)
    waves = _COARSE / native * 2 ** (octaves * (torch.arange(64) + 0.5) / 64)
    blur = damage.blur**2 + damage.motion**2 / 12
    kept = torch.exp(-((2 * math.pi * waves) ** 2) * blur) * (waves < 0.5 / damage.scale)
    power = _CONTRAST**2 / (2 * math.pi * math.log(2) * waves**2) * kept
    noise = (error_of(damage) / 255 * damage.scale) ** 2 + 1e-8
    return float((power / (power + noise)).mean())


def strength_for(detail: float) -> float:
    """The denoising strength for a crop that still has that share of its detail: as much noise as
    drowns what is wrong, and no more (DifFace, 2212.06512). Of learned people of facea-tiny."""
    return min(max(1.2 - 1.5 * detail, 0.15), 0.9)
