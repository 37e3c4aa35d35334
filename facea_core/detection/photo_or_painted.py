"""Photographed or synthetic: networks trained on photographs find synthetic faces as well."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..attributes import attribute_table
from ..io.images import cut
from ..types import Box, Detection
from .base import FACE, Detector
from .painted import TinyDetector
from .select import select_parts

_TABLE = attribute_table("eyes, eyebrows, nose, mouth, hair")
_PHRASES = tuple(one.name for one in _TABLE)

_SIDE = 64
"""Pixels at which a face is looked at for flat colours."""

_STEP = 2 / 255
"""Pixels that differ less from their neighbours lie in a flat area: painted skin has no texture."""

_FLAT, _SHARED = 1.25, {"eyes": 0.5, "nose": 0.3}
"""What a flat face is worth, and a part that both detectors see in one place, in sure parts: fitted
to 451 photographs and 420 synthetic faces, as was `_PAINTED`."""

_PAINTED = 1.4
"""`paintedness` from which a face is synthetic. docs/detection.md has the figures."""


class PaintedFirst:
    """`detector`, but an image whose surest face is synthetic is searched by `tiny` alone."""

    def __init__(self, detector: Detector, tiny: TinyDetector) -> None:
        self.name, self.detector, self.tiny = detector.name, detector, tiny

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; tiny's, if it also finds the synthetic face."""
        asked = tuple(dict.fromkeys((*phrases, FACE, *_SHARED)))
        found = self.detector.detect(image, asked)
        if paintedness(image, found, self.tiny) >= _PAINTED:
            found = self.tiny.detect(image, phrases) or found
        return tuple(one for one in found if one.phrase in phrases)


def paintedness(image: Tensor, found: Sequence[Detection], tiny: TinyDetector) -> float:
    """How much the surest face that was `found` in `image` `(1, 3, H, W)` looks painted, 0 to 3.

    How sure tiny is of five parts of it, where both see eyes and nose, and how flat it is. 0 where
    tiny sees no face there.
    """
    faces = [one for one in found if one.phrase == FACE]
    surest = max(faces, key=lambda one: one.score, default=None)
    if surest is None:
        return 0.0
    again = tiny.look_at(image, surest.box, (FACE, *_PHRASES))
    theirs = next((one.box for one in again if one.phrase == FACE), None)
    if theirs is None:
        return 0.0
    parts = {part.attribute: part for part in select_parts(again, theirs, _TABLE)}
    sure = sum(part.score for part in parts.values()) / len(_TABLE)
    shared = sum(
        worth * max((one.box.iou(parts[name].box) for one in found
                     if one.phrase == name and one.face == surest.box), default=0.0)
        for name, worth in _SHARED.items() if name in parts
    )  # fmt: skip
    return sure + shared + _FLAT * _flat(image, surest.box)


def _flat(image: Tensor, face: Box) -> float:
    """The share of the face in which colours do not change from pixel to pixel."""
    view = F.avg_pool2d(cut(image, face, (_SIDE, _SIDE)), 3, 1)
    here = view[..., 1:, 1:]
    steps = torch.maximum((here - view[..., 1:, :-1]).abs(), (here - view[..., :-1, 1:]).abs())
    return float((steps.amax(dim=1) < _STEP).float().mean())
