"""Several paintings of one face: which one meets the image best, and is most like the person."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from ..seeds import SHORT
from ..types import Choice
from .faces import TargetFace
from .masks import blend_weight

Rank = Callable[[TargetFace, Tensor], float | None]
"""(face, painted square (1, 3, s, s)) -> how like its identity it is, a cosine in [-1, 1]; None for
a face whose identity there is nothing to compare with."""

_STRIDE = 0x9E37_79B9_7F4A_7C15  # odd, so that no two candidates share a seed


def candidate_seed(seed: int, candidate: int) -> int:
    """The first candidate has the seed itself; the others never one of a batch's next images."""
    seed %= 2**64
    # A short seed stays one: below 2^32 each seed has a stream of its own.
    return (seed + candidate * _STRIDE) % (SHORT if seed < SHORT else 2**64)


def fit(patch: Tensor, original: Tensor, mask: Tensor) -> float:
    """How well the patch meets the original where the two are blended, in [0, 1]; 1 = no seam.

    patch, original (1, 3, s, s), soft mask (1, 1, s, s) of the same frame. Each pixel counts by how
    evenly both show in it; a mask without such pixels meets anything.
    """
    weight = blend_weight(mask)
    mixed = (weight * (1 - weight)).expand_as(patch)
    difference = ((patch - original).abs() * mixed).sum()
    return float(1 - difference / mixed.sum().clamp(min=1e-6))


def choose(
    patches: Tensor,
    original: Tensor,
    mask: Tensor,
    like: Callable[[Tensor], float | None] | None,
) -> Choice:
    """The best of the candidates `patches` (N, 3, s, s): fit and likeness count alike.

    NaN counts as the worst there is; where nobody can tell the likeness, the fit alone counts.
    """
    candidates = patches.split(1)
    fits = [_known(fit(patch, original, mask), 0.0) for patch in candidates]
    judged = [None if like is None else like(patch) for patch in candidates]
    alike = [_known(value, -1.0) for value in judged if value is not None]
    if len(alike) < len(candidates):
        alike = []
    scores = [a + b for a, b in zip(fits, alike or [0.0] * len(fits), strict=True)]
    return Choice(scores.index(max(scores)), tuple(fits), tuple(alike))


def _known(value: float, worst: float) -> float:
    return worst if math.isnan(value) else value
