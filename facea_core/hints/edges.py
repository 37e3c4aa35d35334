"""Canny's edges in torch."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import luma_of

LOW, HIGH = 100.0, 200.0
"""Gradients, of levels 0 to 255 as OpenCV has them: less is no edge; an edge needs this once."""

_SIGMA = 1.0
"""Of the blur before, in pixels."""

_FLAT, _STEEP = math.tan(math.pi / 8), math.tan(3 * math.pi / 8)


def canny(image: Tensor, *, low: float = LOW, high: float = HIGH, sigma: float = _SIGMA) -> Tensor:
    """Edges (1, 1, H, W) of `image` (1, 3, H, W), 1 on an edge and 0 elsewhere, one pixel wide.

    Blur, Sobel, the largest across each edge, and what hangs together with a strong one.
    """
    grey = _blurred(luma_of(image.float()) * 255, sigma)
    gx, gy = _sobel(grey)
    size = gx.abs() + gy.abs()
    weak = _largest(size, gx, gy) & (size > low)
    return _connected(weak, weak & (size > high)).float()


def _blurred(grey: Tensor, sigma: float) -> Tensor:
    if sigma <= 0:
        return grey
    reach = math.ceil(3 * sigma)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    bell = bell / bell.sum()
    wide = F.pad(grey, (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(wide, bell.view(1, 1, 1, -1)), bell.view(1, 1, -1, 1))


def _sobel(grey: Tensor) -> tuple[Tensor, Tensor]:
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack([across, across.T])[:, None]
    both = F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    return both[:, :1], both[:, 1:]


def _largest(size: Tensor, gx: Tensor, gy: Tensor) -> Tensor:
    """Whether a gradient is the largest of three across its edge; of two equal ones the first."""
    height, width = size.shape[-2:]
    wide = F.pad(size, (1, 1, 1, 1))

    def beside(dx: int, dy: int) -> Tensor:
        return wide[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    def over(dx: int, dy: int) -> Tensor:
        return (size > beside(-dx, -dy)) & (size >= beside(dx, dy))

    ax, ay = gx.abs(), gy.abs()
    falling = torch.where(gx * gy > 0, over(1, 1), over(-1, 1))
    level = torch.where(ay > _STEEP * ax, over(0, 1), falling)
    return torch.where(ay < _FLAT * ax, over(1, 0), level)


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """The weak edges that hang together with a strong one, at corners too."""
    from scipy.ndimage import label

    numbers = np.empty(weak.shape[-2:], dtype=np.int32)
    label(weak[0, 0].numpy(), np.ones((3, 3)), output=numbers)
    kept = np.zeros(int(numbers.max()) + 1, dtype=bool)
    kept[numbers[strong[0, 0].numpy()]] = True
    kept[0] = False
    return torch.from_numpy(kept[numbers])[None, None]
