"""Moving one face onto another, and outlines that can be blended point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Outline

CORNERS = 96
"""Of every outline: only as many points can be blended."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """Turns, scales and shifts points: `turn` (2, 2) is the rotation times the scale."""

    turn: np.ndarray
    shift: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) where they come to lie."""
        return points @ self.turn.T + self.shift

    @property
    def scale(self) -> float:
        return float(np.sqrt(abs(np.linalg.det(self.turn))))


def similarity(source: np.ndarray, target: np.ndarray) -> Similarity:
    """The similarity that moves points (N, 2) of `source` onto those of `target`, least squares.

    Umeyama's; it never mirrors. Where all points of `source` are one, it only shifts.
    """
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - aim
    left, values, right = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    spread = float((a**2).sum())
    scale = float((values * sign).sum()) / spread if spread > 1e-12 else 1.0
    turn = scale * (left * sign) @ right
    return Similarity(turn, aim - turn @ middle)


def resampled(outline: Outline | np.ndarray, count: int = CORNERS) -> np.ndarray:
    """The closed outline as `count` points (count, 2) at equal steps, clockwise as one looks at it.

    The first is the outline's own.
    """
    corners = np.asarray(outline, dtype=float)
    x, y = corners.T
    if float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) < 0:
        corners = np.roll(corners[::-1], 1, axis=0)
    ring = np.concatenate([corners, corners[:1]])
    steps = np.hypot(*np.diff(ring, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(count) * (along[-1] / count)
    return np.stack([np.interp(at, along, axis) for axis in ring.T], axis=1)


def started_like(outline: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The closed outline (N, 2) from the point on where it fits `other` (N, 2) best."""
    # Shapes are compared about their own centres: what is moved keeps its beginning.
    a, b = outline - outline.mean(axis=0), other - other.mean(axis=0)
    apart = [float(((np.roll(a, -k, axis=0) - b) ** 2).sum()) for k in range(len(a))]
    return np.roll(outline, -int(np.argmin(apart)), axis=0)


def between(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Points on the way from `one`, at 0, to `other`, at 1."""
    return one + share * (other - one)
