"""The 68 points of a face that was found: read again from the image around its box."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..dlib_models import landmarks_available
from ..io.images import crop
from ..types import FaceAttributes
from .hulls import around
from .landmarks import find_landmarks
from .mesh.detector import MeshDetector

POINTS = 70
"""The 68 of iBUG's markup (jaw, brows, nose, eyes, lips; the person's right side first), and the
two pupils."""

# For each of iBUG's 68 points, those of MediaPipe's mesh whose mean it is.
_MESH = (
    (127,), (234,), (93,), (132, 58), (58, 172), (136,), (150,), (176,), (152,),
    (400,), (379,), (365,), (397, 288), (361,), (323,), (454,), (356,),
    (70,), (63,), (105,), (66,), (107,), (336,), (296,), (334,), (293,), (300,),
    (168, 6), (197, 195), (5,), (4,), (98,), (97,), (2,), (326,), (327,),
    (33,), (160,), (158,), (133,), (153,), (144,), (362,), (385,), (387,), (263,), (373,), (380,),
    (61,), (39,), (37,), (0,), (267,), (269,), (291,), (321,), (314,), (17,), (84,), (91,),
    (78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,),
)  # fmt: skip

_AROUND = 2.0
"""Side of what is searched, in sides of the face box."""

_SAME = 0.3
"""IoU from which what was found is the face that is meant."""

_LEAST = 0.15
"""Least score: what is no face has less, with few exceptions."""


def face_points(image: Tensor, face: FaceAttributes) -> np.ndarray | None:
    """The points `(70, 2)` of `face` in `image` `(1, 3, H, W)`: x and y in pixels, see POINTS.

    By dlib's 68 points where these found the face, else by the face mesh; None where the mesh sees
    no face in the box. Pupils are the centres of the eyes.
    """
    box = face.face.grow(_AROUND)
    view = crop(image, box)
    if face.detector == "landmarks" and landmarks_available():
        found = find_landmarks(view)
    else:
        found = MeshDetector().find(view)
    best, fit = None, _SAME
    for points, score in found:
        placed = points + (box.x0, box.y0)
        same = around(placed).clip(face.size).iou(face.face)
        if score >= _LEAST and same > fit:
            best, fit = placed, same
    if best is None:
        return None
    if len(best) != 68:
        best = np.stack([best[list(some)].mean(axis=0) for some in _MESH])
    pupils = np.stack([best[36:42].mean(axis=0), best[42:48].mean(axis=0)])
    return np.concatenate([best, pupils])
