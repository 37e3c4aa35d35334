"""Antialiased strokes, dots and spindles on a canvas; pixel (0, 0) has its centre at (0.5, 0.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def stroke(canvas: Tensor, outline: np.ndarray, width: float) -> None:
    """Draws the closed `outline` (N, 2) on canvas (H, W) in white, `width` pixels wide."""
    height, wide = canvas.shape
    start = torch.from_numpy(outline).float()
    way = start.roll(-1, 0) - start
    # A window of one size around each piece of the line: all pieces are drawn at once.
    middle, reach = start + way / 2, float(way.abs().amax()) / 2 + width / 2 + 1
    steps = torch.arange(math.ceil(2 * reach) + 1)
    corner = (middle - reach).floor().long()
    column, row = corner[:, :1] + steps, corner[:, 1:] + steps
    x, y = column[:, None, :] + 0.5 - start[:, :1, None], row[:, :, None] + 0.5 - start[:, 1:, None]
    dx, dy = way[:, :1, None], way[:, 1:, None]
    along = ((x * dx + y * dy) / (dx * dx + dy * dy).clamp(min=1e-12)).clamp(0, 1)
    cover = _cover(torch.hypot(x - along * dx, y - along * dy) - width / 2)
    there = ((column >= 0) & (column < wide))[:, None, :] & ((row >= 0) & (row < height))[..., None]
    at = (row[:, :, None] * wide + column[:, None, :])[there]
    canvas.view(-1).scatter_reduce_(0, at, cover[there], "amax")


def dot(canvas: Tensor, at: np.ndarray, radius: float, colour: Sequence[float]) -> None:
    """Paints a disc around `at` (x, y) on canvas (3, H, W); what lies below is covered."""
    view, x, y = _view(canvas, (at,), radius + 1)
    _paint(view, _cover(torch.hypot(x - float(at[0]), y - float(at[1])) - radius), colour)


def spindle(
    canvas: Tensor, start: np.ndarray, end: np.ndarray, half: float, colour: Sequence[float]
) -> None:
    """Paints an ellipse from `start` to `end`, `half` pixels wide to either side, likewise."""
    (mx, my), (dx, dy) = ((start + end) / 2).tolist(), ((end - start) / 2).tolist()
    length = max(math.hypot(dx, dy), half)
    view, x, y = _view(canvas, (start, end), half + 1)
    cosine, sine = (dx / length, dy / length) if dx or dy else (1.0, 0.0)
    u, v = (x - mx) * cosine + (y - my) * sine, (y - my) * cosine - (x - mx) * sine
    level = torch.hypot(u / length, v / half)
    slope = torch.hypot(u / length**2, v / half**2).clamp(min=1e-9)
    # By the slope of its own equation: close to the distance where it matters, at the edge.
    _paint(view, _cover((level - 1) * level / slope), colour)


def _cover(distance: Tensor) -> Tensor:
    """How much of a pixel is covered by a shape whose edge is so far from its centre."""
    return (0.5 - distance).clamp(0, 1)


def _paint(view: Tensor, cover: Tensor, colour: Sequence[float]) -> None:
    for channel, value in zip(view, colour, strict=True):
        channel.lerp_(torch.full_like(cover, value), cover)


def _view(
    canvas: Tensor, points: Sequence[np.ndarray], reach: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The part of canvas (..., H, W) within `reach` of the points, and its columns and rows."""
    low, high = np.min(points, axis=0) - reach, np.max(points, axis=0) + reach
    height, width = canvas.shape[-2:]
    x0, x1 = (min(max(math.floor(v), 0), width) for v in (low[0], high[0] + 1))
    y0, y1 = (min(max(math.floor(v), 0), height) for v in (low[1], high[1] + 1))
    x = torch.arange(x0, x1).view(1, -1) + 0.5
    y = torch.arange(y0, y1).view(-1, 1) + 0.5
    return canvas[..., y0:y1, x0:x1], x, y
