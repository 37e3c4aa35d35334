"""The outlines of a face's parts: what was seen or drawn of them, or what fits into their boxes."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from ..masks import rounded_outline, usable
from ..types import Box, FaceAttributes, Outline, Part

_PAIR = 0.4
"""Wider than this, in widths of the face, are boxes around both eyes, or both eyebrows."""

_HALF = 0.4
"""Width of either half of a pair, in widths of the box around both."""

_THIN = 0.3
"""Least side of what is turned inside a box, in sides of the box."""

_MOST_TURN = math.radians(30)
"""Of a box around something turned further its sides cannot be told."""

_SPECK = 0.1
"""Outlines shorter than this share of the longest are specks."""


def part_outlines(part: Part, face: FaceAttributes) -> tuple[Outline, ...]:
    """The user's own mask of the part, else its outlines, else rounded shapes in its box.

    Those are turned as the face is; a box around both eyes or eyebrows holds two. None of a part
    that is empty.
    """
    if part.mask is not None:
        return mask_outlines(part.mask)
    if outlines := usable(part.outlines):
        return outlines
    if part.box.area == 0:
        return ()
    turn = max(min(math.radians(face.roll or 0.0), _MOST_TURN), -_MOST_TURN)
    x0, y0, x1, y1 = part.box
    if part.attribute not in ("eyes", "eyebrows") or part.box.width <= _PAIR * face.face.width:
        return (_turned(x0, y0, x1 - x0, y1 - y0, turn),)
    width = _HALF * (x1 - x0)
    drop = min((x1 - x0 - width) * math.tan(abs(turn)), (1 - _THIN) * (y1 - y0))
    left, right = (0.0, drop) if turn > 0 else (drop, 0.0)
    return (
        _turned(x0, y0 + left, width, y1 - y0 - drop, turn),
        _turned(x1 - width, y0 + right, width, y1 - y0 - drop, turn),
    )


def _turned(left: float, top: float, width: float, height: float, turn: float) -> Outline:
    """A rounded shape, turned by `turn` (clockwise), that fills the box as an ellipse would."""
    unit = np.array(rounded_outline(Box(-1, -1, 1, 1)))
    c, s = math.cos(turn) ** 2, math.sin(turn) ** 2
    # From the sides of the box around an ellipse to those of the ellipse.
    wide = (width**2 * c - height**2 * s) / (c - s)
    high = (height**2 * c - width**2 * s) / (c - s)
    sides = np.maximum(np.sqrt(np.maximum((wide, high), 0)), (_THIN * width, _THIN * height))
    x, y = (unit * sides / 2).T
    across = x * math.cos(turn) - y * math.sin(turn)
    down = x * math.sin(turn) + y * math.cos(turn)
    middle = (left + width / 2, top + height / 2)
    return tuple(
        (float(u + middle[0]), float(v + middle[1])) for u, v in zip(across, down, strict=True)
    )


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
