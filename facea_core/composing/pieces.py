"""A mask of several places far apart, taken apart: each gets a crop of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import EDGE
from ..types import BackboneSpec, Box, Size
from .plan import plan_box

_ALONE = 5.0
"""Places less than two of their longer sides apart are one: the eyes of a face, an eye and a mouth.
"""

_GRID = 384
"""Places are told apart on a grid of about as many cells: what lies closer is one."""

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
    """Boxes, to a cell of the grid, about the connected places where the mask is at least 0.5."""
    import numpy as np
    from scipy.ndimage import find_objects, label

    height, width = mask.shape[2:]
    cell = max(height, width) // _GRID + 1
    grid = F.max_pool2d((mask >= EDGE).float(), cell, ceil_mode=True)
    labels = np.empty(grid.shape[2:], dtype=np.int32)
    label(grid[0, 0].cpu().numpy(), np.ones((3, 3)), output=labels)
    boxes = [Box(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labels)]
    return [box.scale(cell, cell).clip((height, width)) for box in boxes]


def _distance(box: Box, mask: Tensor) -> Tensor:
    height, width = mask.shape[2:]
    x = torch.arange(width).view(1, 1, 1, -1) + 0.5
    y = torch.arange(height).view(1, 1, -1, 1) + 0.5
    dx = torch.maximum(box.x0 - x, x - box.x1).clamp(min=0)
    dy = torch.maximum(box.y0 - y, y - box.y1).clamp(min=0)
    return dx * dx + dy * dy
