"""A face's 468 points from a place in an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...io.images import cut
from ...types import Box
from .nets import SIDE, FaceMesh
from .search import Place

_WIDER = 1.5
"""How much wider than the face the square is that the mesh is read from."""

_OUTER_EYES = (33, 263)
_BATCH = 16


@torch.no_grad()
def read_points(
    image: Tensor, net: FaceMesh, places: Sequence[Place]
) -> list[tuple[np.ndarray, float]]:
    """The points `(468, 2)` in pixels and how sure it is that a face is there, for each place.

    `image` is `(1, 3, H, W)`, the sureness in [0, 1].
    """
    answers = []
    for start in range(0, len(places), _BATCH):
        some = places[start : start + _BATCH]
        points, flags = net(torch.cat([_square(image, place) for place in some]))
        sure = flags.sigmoid().tolist()
        flat = points[..., :2].double().numpy()
        answers += [
            (_onto(one, place), score) for one, place, score in zip(flat, some, sure, strict=True)
        ]
    return answers


def place_of(points: np.ndarray, like: Place) -> Place:
    """The place that these points fill, for a second and closer look."""
    right, left = points[_OUTER_EYES[0]], points[_OUTER_EYES[1]]
    angle = math.atan2(left[1] - right[1], left[0] - right[0])
    turn = _rotation(angle)
    level = points @ turn  # turned back
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = (low + high) / 2 @ turn.T
    side = max(float((high - low).max()), 1.0)
    return like._replace(x=float(x), y=float(y), side=side, angle=angle)


def _rotation(angle: float) -> np.ndarray:
    """Turns rows of points clockwise, as one looks at the image, by `points @ _rotation.T`."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])


def _onto(points: np.ndarray, place: Place) -> np.ndarray:
    """Points of the network's square in the image."""
    level = (points / SIDE - 0.5) * (_WIDER * place.side)
    return level @ _rotation(place.angle).T + (place.x, place.y)


def _square(image: Tensor, place: Place) -> Tensor:
    """The square `(1, 3, SIDE, SIDE)` around a place, level; the image's border is repeated."""
    side = _WIDER * place.side
    # First an upright box that holds it, small enough for sampling without aliasing.
    reach = math.ceil(side * (abs(math.cos(place.angle)) + abs(math.sin(place.angle))) / 2) + 2
    x0, y0 = math.floor(place.x) - reach, math.floor(place.y) - reach
    box = Box(x0, y0, x0 + 2 * reach, y0 + 2 * reach)
    seen = max(1, round(2 * reach * min(1.0, SIDE / side)))
    view = cut(image, box, (seen, seen)).float()
    steps = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE - 0.5
    y, x = torch.meshgrid(steps * side, steps * side, indexing="ij")
    grid = torch.stack([x, y], -1) @ torch.from_numpy(_rotation(place.angle).T)
    grid = grid + torch.tensor([place.x - x0 - reach, place.y - y0 - reach], dtype=torch.float64)
    grid = (grid / reach).to(view.dtype)
    return F.grid_sample(view, grid[None], padding_mode="border", align_corners=False)
