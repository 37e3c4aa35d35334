"""The outlines of a mask that somebody drew."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..types import Outline

_SPECK = 0.1
"""Outlines shorter than this share of the longest are specks."""


def mask_outlines(mask: Tensor) -> tuple[Outline, ...]:
    """The closed outlines of mask (1, 1, H, W) at 0.5, also those of holes, without specks.

    They run between pixels: the corners are the middles of pixels' sides.
    """
    inside = np.pad(mask[0, 0].detach().cpu().numpy() >= 0.5, 1)
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each side of a pixel with nothing beyond it, so that the inside lies to the right.
    for (dy, dx), (start, end) in _SIDES.items():
        beyond = np.roll(inside, (-dy, -dx), axis=(0, 1))
        for y, x in zip(*np.nonzero(inside & ~beyond), strict=True):
            corner = (int(x) - 1, int(y) - 1)  # of the pixel, in the mask's own frame
            first = (corner[0] + start[0], corner[1] + start[1])
            following.setdefault(first, []).append((corner[0] + end[0], corner[1] + end[1]))
    outlines: list[Outline] = []
    while following:
        at = first = next(iter(following))
        ring = []
        while at in following:
            ends = following[at]
            after = ends.pop()
            if not ends:
                del following[at]
            ring.append(((at[0] + after[0]) / 2, (at[1] + after[1]) / 2))
            at = after
            if at == first:
                break
        outlines.append(tuple(ring))
    longest = max(map(len, outlines), default=0)
    return tuple(one for one in outlines if len(one) >= max(4, _SPECK * longest))


# By the way (y, x) to what lies beyond: where that side of a pixel starts and ends (x, y).
_SIDES = {
    (-1, 0): ((0, 0), (1, 0)),
    (0, 1): ((1, 0), (1, 1)),
    (1, 0): ((1, 1), (0, 1)),
    (0, -1): ((0, 1), (0, 0)),
}
