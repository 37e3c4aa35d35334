"""How many images are painted at once: as many as a device can use, fewer where memory runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..machine import is_out_of_memory
from ..types import Size

_PIXELS = 1024 * 1024
"""Of one batch: as much memory as a single image of SDXL takes, which a device has anyway."""

_PIXELS_ON_CPU = 4 * 128 * 128
"""A CPU gains nothing from more, and each step must stay short: only between two is a cancel heard.
"""


def most_together(device: torch.device, size: Size) -> int:
    """How many images of `size` (H, W) are painted at once on `device`: at least one."""
    pixels = _PIXELS_ON_CPU if device.type == "cpu" else _PIXELS
    return max(pixels // (size[0] * size[1]), 1)


def paint_together(paint: Callable[[slice], Tensor], count: int, most: int) -> Tensor:
    """What `paint(rows) -> (N, ...)` makes of all rows 0 to `count`, at most `most` in one call.

    Where a call runs out of memory, it and all after it have half as many. `paint` must give each
    row what it gives it alone, as a batch does up to float rounding; so does the result, however
    it was split. Out of memory with a single row is passed on, and every other error.
    """
    painted: list[Tensor] = []
    done = 0
    while done < count:
        rows = slice(done, min(done + most, count))
        try:
            painted.append(paint(rows))
            done = rows.stop
        except Exception as error:
            most = (rows.stop - done) // 2
            if most == 0 or not is_out_of_memory(error):
                raise
    return torch.cat(painted)
