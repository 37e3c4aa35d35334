"""What a face does in one photo and is not the person's: whether it smiles, or its mouth is open.

In painted faces a probe sees it; in photographs the points of the face tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..detection.points import face_points
from ..evaluation import face_crop
from ..io.images import check_image
from ..types import FaceAttributes, OnTick, Photo

if TYPE_CHECKING:
    from ..evaluation.identity_encoder import AttributeProbe

SMILING, OPEN = "smiling", "an open mouth"
"""As captions say it; facea-tiny knows both."""

_PAINTED_BY = "tiny"
_SURE = 0.7
"""Probability from which the probe is believed: nine of ten smiles that it names are smiles."""

# Of a photograph, by iBUG's points: how wide the mouth is in face widths, less a sixth of how far
# its corners lie below the nose in distances of the outer eye corners; and how far the lips are
# apart in these. docs/detection.md says how often both are right.
_SMILE, _APART = 0.375, 0.10
_CHEEKS, _EYES, _CORNERS, _NOSE = (1, 15), (36, 45), (48, 54), 33
_LIPS = ((61, 67), (62, 66), (63, 65))


def expression_of(image: Tensor, face: FaceAttributes) -> tuple[str, ...]:
    """`SMILING` and `OPEN`, those that are surely to be seen of a face in `image` (1, 3, H, W).

    Nothing where nobody is seen. Raises ImageError for what is no image.
    """
    image = check_image(image)
    if face.score <= 0 or face.face.clip(face.size).area == 0:
        return ()
    if face.detector == _PAINTED_BY:
        seen = _painted(image, face)
    else:
        points = face_points(image, face)
        seen = (False, False) if points is None else _photographed(points)
    return tuple(word for word, there in zip((SMILING, OPEN), seen, strict=True) if there)


def captioned(photos: Sequence[Photo], on_photo: OnTick = lambda *_: None) -> list[Photo]:
    """The photos; of those without a caption it says their expression, if any is seen.

    `on_photo` is called with (done, in all) before each: raise in it to cancel.
    """
    said = []
    for number, photo in enumerate(photos):
        on_photo(number, len(photos))
        if not photo.caption:
            words = expression_of(photo.image, photo.attributes)
            photo = replace(photo, caption=", ".join(words))
        said.append(photo)
    return said


@torch.no_grad()
def _painted(image: Tensor, face: FaceAttributes) -> tuple[bool, bool]:
    answers = _probe().look(face_crop(image, face.face, 64)).classes
    smile, mouth = (float(answers[name][0].softmax(0)[1]) for name in ("smile", "open_mouth"))
    return smile >= _SURE, mouth >= _SURE


def _photographed(points: np.ndarray) -> tuple[bool, bool]:
    """By the points of `face_points`, in any scale, level or not."""
    right, left = points[list(_EYES)]
    unit = max(float(np.hypot(*(left - right))), 1e-6)
    down = np.array([right[1] - left[1], left[0] - right[0]]) / unit
    wide = _between(points, _CORNERS) / max(_between(points, _CHEEKS), 1e-6)
    below = float((points[list(_CORNERS)].mean(axis=0) - points[_NOSE]) @ down) / unit
    apart = sum(_between(points, pair) for pair in _LIPS) / len(_LIPS) / unit
    return wide - below / 6 >= _SMILE, apart >= _APART


def _between(points: np.ndarray, pair: tuple[int, int]) -> float:
    return float(np.hypot(*(points[pair[1]] - points[pair[0]])))


@cache
def _probe() -> AttributeProbe:
    from ..evaluation.identity_encoder import load_attribute_probe

    return load_attribute_probe()
