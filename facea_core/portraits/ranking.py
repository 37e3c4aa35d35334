"""Which of several portraits came out best."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ..types import Composition


def score(made: Composition) -> float | None:
    """The mean likeness of its faces to their people, a cosine, where photos told it; else the mean
    of how well they fit, in [0, 1]; None where there was one candidate and nothing to tell by."""
    kept = [one.likeness[one.kept] if one.likeness else one.fits[one.kept] for one in made.choices]
    return fmean(kept) if kept else None


def ranked(scores: Sequence[float | None]) -> list[int]:
    """Numbers of portraits, the best first; those without a score come last, in their order."""
    return sorted(
        range(len(scores)), key=lambda i: -2.0 if (one := scores[i]) is None else one, reverse=True
    )
