"""Blur and noise of a picture that was compressed as JPEG, from the waves of its blocks.

A wave that was rounded to a multiple of its step is known to lie within half a step: one that is
now 0 says little where the step is large, much where it is small. How likely each multiple is
follows from what a block shows and what was done to it: waves whose powers fall with frequency and
by the blur, times how lively the block is, and white noise. Each block is of every liveliness at
once, as in mixtures of Gaussians of different scale (Portilla et al. 2003).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .jpeg import OF_LUMA, Compression, cosines, steps_of

_BLURS = torch.tensor([0, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 2.1, 2.6, 3.2, 4.2, 5.5, 8])
_NOISES = torch.tensor([0, 1.5, 3, 4.5, 6, 8, 10, 12.5, 16, 20, 26, 36, 50, 70])

_SLOPES = (2.4, 3.0, 3.6)
"""Powers of frequency by which pictures may fall: one more than along a line."""

_LIVELY = 2 ** torch.linspace(-3, 7, 11)
"""Deviation of a block's lowest wave, in levels."""

_TAILS = ((0.35, 0.4), (0.4, 1.0), (0.25, 2.0))
"""Shares of waves, and their deviation by that of their frequency: most are small, some large."""

_MULTIPLES = torch.tensor([0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5])
"""Ends of the classes of multiples, in steps."""

_ROUNDED = 1 / 6
"""Variance, in levels, by rounding the pixels before the compression and the colours."""

_STRANGE = 1e-4
"""Likelihood of every multiple for other reasons."""

_MOST_BLOCKS = 256

_DEPENDENT = 8.0
"""So many blocks say as much as one would by this model: neighbours are alike."""


def blur_and_noise(jpeg: Compression) -> tuple[float, float]:
    """The Gaussian's deviation in pixels, 0 to 8, and that of each colour's noise, in levels of
    255, 0 to 70, before the compression: means over what is likely."""
    waves = jpeg.waves
    if len(waves) > _MOST_BLOCKS:
        waves = waves[torch.linspace(0, len(waves) - 1, _MOST_BLOCKS).long()]
    multiples = (waves / steps_of(jpeg.quality)).round().abs()[:, 1:]
    classes = torch.bucketize(multiples.contiguous(), _MULTIPLES)
    each = F.one_hot(classes, len(_MULTIPLES) + 1).flatten(1)
    some = each.any(0)  # most waves are of few classes
    told = each[:, some].float() @ _table(jpeg.quality)[some]
    shape = (len(_SLOPES), len(_BLURS), len(_NOISES))
    evidence = told.view(-1, *shape, len(_LIVELY)).logsumexp(-1).sum(0) / _DEPENDENT
    likely = torch.softmax(evidence.flatten(), 0).view(shape)
    return float(likely.sum((0, 2)) @ _BLURS), float(likely.sum((0, 1)) @ _NOISES)


@lru_cache(maxsize=4)
def _table(quality: int) -> Tensor:
    """Log likelihood of each class of each wave but the mean, `(63 * classes, slopes * blurs *
    noises * liveliness)`."""
    signal = _powers()[:, :, None, None] * _LIVELY[:, None].square()
    noise = (_NOISES * OF_LUMA)[:, None, None].square() + _ROUNDED
    ends = _MULTIPLES[:, None] * steps_of(quality)[1:]
    below = torch.zeros(())
    for share, tail in _TAILS:
        deviation = (signal * tail**2 + noise).sqrt()[..., None, :]
        below = below + share * torch.erf(ends / deviation / math.sqrt(2))
    one = torch.ones_like(below[..., :1, :])
    likely = torch.cat([below, one], -2).diff(dim=-2, prepend=one * 0)
    return (likely.clamp(min=0) + _STRANGE).log().mT.flatten(-2).flatten(0, 3).T.contiguous()


@lru_cache(maxsize=1)
def _powers() -> Tensor:
    """Power of each wave but the mean by that of the lowest: (slopes, blurs, 63)."""
    # Beyond half a period per pixel is what shrinking folds back.
    line = (torch.arange(-96, 96) + 0.5) / 128
    turn = -2j * math.pi * torch.arange(8)[:, None] * line
    seen = (cosines().to(torch.complex64) @ torch.exp(turn)).abs().square()  # (8, frequencies)
    radius = (line[:, None].square() + line.square()).sqrt()
    pixel = torch.sinc(line[:, None]).square() * torch.sinc(line).square()
    fall = pixel * torch.stack([radius**-slope for slope in _SLOPES])[:, None]
    blurred = fall * torch.exp(-(2 * math.pi * _BLURS[:, None, None] * radius).square())
    power = (seen @ blurred @ seen.T).flatten(2)
    return power[..., 1:] / power[..., 1:2]
