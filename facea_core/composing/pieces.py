"""A mask of several places far apart, taken apart: each gets a crop of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import EDGE, resize
from ..masks import WORKING_SIDE, mask_box, window
from ..types import BackboneSpec, Box, Size
from .plan import plan_box

_ALONE = 5.0
"""Places less than two of their longer sides apart are one: the eyes of a face, an eye and a mouth.
"""

_STEPS = 16
"""Pixels that a number spreads between two looks whether it still does."""

_MOST = 16
"""More places than that are a pattern, and stay one mask."""


def mask_pieces(mask: Tensor, spec: BackboneSpec, context_factor: float) -> list[Tensor]:
    """The mask (1, 1, H, W) as one for each place that stands alone, far from any other.

    From left to right. Their maximum is the mask; a mask of one place, of none, or of more than 16,
    comes back alone.
    """
    boxes = _boxes(mask)
    if not 1 < len(boxes) <= _MOST:
        return [mask]
    groups = _apart(boxes, (mask.shape[2], mask.shape[3]), spec, context_factor)
    if len(groups) == 1:
        return [mask]
    # Each pixel, those of a fade too, belongs to the place that is nearest.
    distances = torch.stack([_distance(box, mask) for box in groups])
    nearest = distances.argmin(dim=0)
    return [torch.where(nearest == number, mask, 0) for number in range(len(groups))]


def _apart(boxes: list[Box], size: Size, spec: BackboneSpec, context_factor: float) -> list[Box]:
    """The boxes, those joined of which one lies near another, from left to right."""
    for box in boxes:
        view = plan_box(box, size, spec, max(context_factor, _ALONE))
        for other in boxes:
            if other is not box and view.intersect(other).area:
                left = [one for one in boxes if one not in (box, other)]
                return _apart([*left, box.join(other)], size, spec, context_factor)
    return sorted(boxes)


def _boxes(mask: Tensor) -> list[Box]:
    """Boxes about the connected places where the mask is at least 0.5, of about that size."""
    height, width = mask.shape[2:]
    scale = min(WORKING_SIDE / max(height, width), 1.0)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    # Thin lines count even where they are less than a pixel of the coarse grid.
    hole = (resize((mask >= EDGE).float(), size, mask=True) > 0).float()
    around = mask_box(hole)
    if around is None:
        return []
    hole = window(around, 0, hole)
    # Each place takes the greatest number in it.
    names = torch.arange(1, hole.numel() + 1, dtype=torch.float32).view_as(hole) * hole
    before = None
    while before is None or not torch.equal(names, before):
        before = names
        for _ in range(_STEPS):
            names = F.max_pool2d(names, 3, stride=1, padding=1) * hole
    places = [mask_box((names == name).float()) for name in names.unique() if name > 0]
    found = [one.shift(around.x0, around.y0) for one in places if one is not None]
    scaled = [one.scale(width / size[1], height / size[0]) for one in found]
    return [box.clip((height, width)) for box in scaled]


def _distance(box: Box, mask: Tensor) -> Tensor:
    height, width = mask.shape[2:]
    x = torch.arange(width).view(1, 1, 1, -1) + 0.5
    y = torch.arange(height).view(1, 1, -1, 1) + 0.5
    dx = torch.maximum(box.x0 - x, x - box.x1).clamp(min=0)
    dy = torch.maximum(box.y0 - y, y - box.y1).clamp(min=0)
    return dx * dx + dy * dy
