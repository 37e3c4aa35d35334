"""From a face's 468 points to the boxes and outlines of its parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...types import Box, Outline
from ..base import FACE
from ..hulls import around, hair_box, hull

# Points of MediaPipe's mesh; of pairs the person's right one first.
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
)
_EYEBROWS = (
    (46, 53, 52, 65, 55, 70, 63, 105, 66, 107),
    (276, 283, 282, 295, 285, 300, 293, 334, 296, 336),
)
_NOSE = (168, 6, 195, 4, 1, 19, 94, 2, 97, 98, 326, 327, 294, 278, 344, 440, 64, 48, 115, 220)
_MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409)
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

# How far a part goes beyond its points, as a share of the face's width.
_PARTS: dict[str, tuple[tuple[tuple[int, ...], ...], float, float]] = {
    "eyebrows": (_EYEBROWS, 0.02, 0.02),
    "nose": ((_NOSE,), 0.03, 0.02),
    "eyes": (_EYES, 0.05, 0.05),
    "mouth": ((_MOUTH,), 0.03, 0.03),
}

_FOREHEAD = 0.09
"""How far the hairline lies above the mesh, as a share of the way from there to the chin."""


class Seen(NamedTuple):
    """A part: its box and outlines, and of pairs (box, outline) of either one, the left first."""

    box: Box
    outlines: tuple[Outline, ...] = ()
    pieces: tuple[tuple[Box, Outline], ...] = ()


def parts_of(points: np.ndarray) -> dict[str, Seen]:
    """Face, eyebrows, eyes, nose and mouth from points `(468, 2)`, and hair estimated from them.

    Of pairs the outlines and halves lie from left to right, as seen in the image.
    """
    unit = float(np.hypot(*(points[454] - points[234])))
    unit = max(unit, float(np.hypot(*(points[152] - points[10]))) / 1.6)
    parts = {}
    for name, (pieces, dx, dy) in _PARTS.items():
        some = sorted((points[list(one)] for one in pieces), key=lambda one: one[:, 0].mean())
        boxes = [around(one, dx * unit, dy * unit) for one in some]
        outlines = tuple(hull(one, dx * unit, dy * unit) for one in some)
        whole = around(np.concatenate(some), dx * unit, dy * unit)
        halves = tuple(zip(boxes, outlines, strict=True)) if len(some) > 1 else ()
        parts[name] = Seen(whole, outlines, halves)
    head = _head(points)
    parts[FACE] = Seen(around(head), (hull(head),))
    parts["hair"] = Seen(hair_box(parts[FACE].box))
    return parts


def _head(points: np.ndarray) -> np.ndarray:
    """The oval, and the hairline above it."""
    oval = points[list(_OVAL)]
    up = _FOREHEAD * (points[10] - points[152])
    top = points[[21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251]]
    return np.concatenate([oval, top + up])
