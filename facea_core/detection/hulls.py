"""Points to outlines and boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from ..types import Box, Outline

F = TypeVar("F", bound=tuple[Any, ...])

_SAME = 0.4
"""IoU from which the boxes of two faces show the same one."""


def around(points: np.ndarray, dx: float = 0.0, dy: float = 0.0) -> Box:
    """The box of points `(N, 2)`, grown by `dx` and `dy` pixels on each side, to whole pixels."""
    low, high = points.min(axis=0), points.max(axis=0)
    return Box(
        math.floor(low[0] - dx), math.floor(low[1] - dy),
        math.ceil(high[0] + dx), math.ceil(high[1] + dy),
    )  # fmt: skip


def hull(points: np.ndarray, dx: float = 0.0, dy: float = 0.0) -> Outline:
    """The convex hull of points `(N, 2)`, grown by an ellipse (Andrew's monotone chain)."""
    angles = np.arange(8) * (math.pi / 4)
    margin = np.stack([dx * np.cos(angles), dy * np.sin(angles)], axis=1)
    corners = sorted({(float(x), float(y)) for x, y in (points[:, None] + margin).reshape(-1, 2)})
    chains = []
    for ordered in (corners, corners[::-1]):
        chain: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        chains.append(chain[:-1])
    return (*chains[0], *chains[1])


def keep_surer(found: list[F], more: Sequence[F]) -> None:
    """Adds faces of another view; of the same face in two views the surer one stays.

    A face is a tuple that begins with its points `(N, 2)` and its score.
    """
    for one in more:
        box = around(one[0])
        same = [i for i, other in enumerate(found) if around(other[0]).iou(box) > _SAME]
        if all(found[i][1] < one[1] for i in same):
            found[:] = [other for i, other in enumerate(found) if i not in same]
            found.append(one)


def hair_box(face: Box) -> Box:
    """Where the hair around an upright face is, by usual proportions."""
    side, top = round(0.28 * face.width), round(0.35 * face.height)
    bottom = face.y0 + round(0.55 * face.height)
    return Box(face.x0 - side, face.y0 - top, face.x1 + side, bottom)
