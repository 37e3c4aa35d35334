"""Where faces may be in an image: BlazeFace on copies of several sizes, turned ones too."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...io.images import resize
from .nets import CELL, STRIDE, BlazeFace

LEAST_SCORE = 0.4
"""Score of BlazeFace from which a place is looked at closely; real faces have 0.5 to 0.95."""

_SAME = 0.3
"""IoU from which two answers of one view are averaged, as MediaPipe does."""

_MOST = 48
"""Most places that one view proposes."""

_ROOM = 0.25
"""The margin around an image, as a share of its longer side: faces cut by the border."""

_POINTS = slice(4, 16)
_SEEN = 400


class Place(NamedTuple):
    """A square that a face is thought to fill, level with its eyes.

    Centre and `side` are pixels of the image; `angle` is how far it is turned clockwise, in
    radians; `score` in [0, 1]. `pixels` is the face's width in the view that it was seen in.
    """

    x: float
    y: float
    side: float
    angle: float
    score: float
    pixels: float


@torch.no_grad()
def look(image: Tensor, net: BlazeFace, longest: int, turn: int = 0) -> list[Place]:
    """Places in `image` `(1, 3, H, W)`, whose longer side is seen in `longest` pixels, best first.

    `turn` counts quarters by which the view is turned anticlockwise.
    """
    height, width = image.shape[-2:]
    factor = longest / max(height, width)
    view = resize(image, (max(1, round(height * factor)), max(1, round(width * factor))))
    high, wide = view.shape[-2:]
    margin = math.ceil(_ROOM * longest / STRIDE) * STRIDE // 2
    view = torch.rot90(_framed(view, margin), turn, (-2, -1))
    found = _read(*net(view))
    # From the view's pixels to the upright one's, then to the image's.
    points = found[:, :14].reshape(-1, 7, 2)
    points = _turned_back(points, turn, (view.shape[-2], view.shape[-1])) - margin
    points = points * (width / wide, height / high)
    pixels, scores = found[:, 14], found[:, 15]
    return [
        _place(one, size / factor, score, size)
        for one, size, score in zip(points, pixels, scores, strict=True)
    ]


def _framed(view: Tensor, margin: int) -> Tensor:
    """The view in a grey frame of at least `margin` whose sides are multiples of STRIDE."""
    high, wide = view.shape[-2:]
    right, low = -(wide + 2 * margin) % STRIDE, -(high + 2 * margin) % STRIDE
    return F.pad(view, (margin, margin + right, margin, margin + low), value=0.5)


def _read(logits: Tensor, shapes: Tensor) -> np.ndarray:
    """Rows of centre, six points, width of the box and score `(N, 16)`, best first."""
    rows, columns = logits.shape[-2:]
    scores = logits[0, 0].flatten().sigmoid()
    best = scores.topk(min(_SEEN, len(scores))).indices
    best = best[scores[best] >= LEAST_SCORE]
    numbers, scores = shapes[0].flatten(1).T[best].double().numpy(), scores[best].double().numpy()
    y, x = np.divmod(best.numpy(), columns)
    corner = (np.stack([x, y], 1) + 0.5) * CELL
    centre, size = numbers[:, :2] + corner, np.maximum(np.abs(numbers[:, 2:4]), 1.0)
    points = numbers[:, _POINTS] + np.tile(corner, 6)
    sides = size.max(axis=1, keepdims=True)
    return _averaged(np.concatenate([centre, points, sides, scores[:, None]], 1), size)


def _averaged(rows: np.ndarray, size: np.ndarray) -> np.ndarray:
    """One row for each group of boxes that overlap, weighed by their scores; the best score."""
    low, high = rows[:, :2] - size / 2, rows[:, :2] + size / 2
    left = np.ones(len(rows), bool)
    kept = []
    for i in range(len(rows)):
        if not left[i] or len(kept) == _MOST:
            continue
        shared = np.minimum(high, high[i]) - np.maximum(low, low[i])
        inside = shared.clip(0).prod(axis=1)
        iou = inside / (size.prod(axis=1) + size[i].prod() - inside)
        group = left & (iou > _SAME)
        group[i] = True
        weights = rows[group, 15:]
        mean = (rows[group, :15] * weights).sum(axis=0) / weights.sum()
        kept.append([*mean, rows[i, 15]])
        left &= ~group
    return np.array(kept).reshape(-1, 16)


def _turned_back(points: np.ndarray, turn: int, size: tuple[int, int]) -> np.ndarray:
    """Points of a view of `size` (H, W) that was turned by `turn` quarters, in the upright one."""
    high, wide = size
    x, y = points[..., 0], points[..., 1]
    if turn == 1:
        return np.stack([high - y, x], -1)
    if turn == 2:
        return np.stack([wide - x, high - y], -1)
    if turn == 3:
        return np.stack([y, wide - x], -1)
    return points


def _place(points: np.ndarray, side: float, score: float, pixels: float) -> Place:
    (x, y), right, left = points[0], points[1], points[2]
    angle = math.atan2(left[1] - right[1], left[0] - right[0])
    return Place(float(x), float(y), float(side), angle, float(score), float(pixels))
