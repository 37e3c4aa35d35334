"""Photographed or synthetic: networks trained on photographs find synthetic faces as well."""

from __future__ import annotations

from collections.abc import Sequence

import torch
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
"""Pixels at which a face is looked at for how its colours change."""

_PAINTED = 3.9
"""`paintedness` of a synthetic face. docs/detection.md has the figures by which it was chosen."""

_WHOLE = 0.7
"""Score that tiny only gives to a face of which it sees eyes, nose and mouth."""


class PaintedFirst:
    """`detector`, but an image whose surest face is synthetic is searched by `tiny` alone."""

    def __init__(self, detector: Detector, tiny: TinyDetector) -> None:
        self.name, self.detector, self.tiny = detector.name, detector, tiny

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; tiny's, if it also finds the synthetic face."""
        found = self.detector.detect(image, phrases)
        if _painted(image, found, self.tiny):
            return self.tiny.detect(image, phrases) or found
        return found


class PaintedOnly:
    """`tiny` for images that may be photographs, in which it takes things for faces.

    Its answer stands where the surest face is synthetic and has eyes, nose and mouth.
    """

    def __init__(self, tiny: TinyDetector) -> None:
        self.name, self.tiny = tiny.name, tiny

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`, or none."""
        found = self.tiny.detect(image, phrases)
        return found if _painted(image, found, self.tiny, _WHOLE) else ()


def _painted(
    image: Tensor, found: Sequence[Detection], tiny: TinyDetector, least: float = 0.0
) -> bool:
    """Whether the surest face of what was `found` is synthetic, its score above `least`."""
    faces = [one for one in found if one.phrase == FACE and one.score > least]
    surest = max(faces, key=lambda one: one.score, default=None)
    return surest is not None and paintedness(image, surest.box, tiny) >= _PAINTED


def paintedness(image: Tensor, face: Box, tiny: TinyDetector) -> float:
    """How much a face that was found at `face` in `image` `(1, 3, H, W)` looks painted.

    How sure tiny is of five of its parts and of its eyes, how much its box is that of `face`, all
    in [0, 1], and how unevenly its colours change, from 1 on.
    """
    found = tiny.look_at(image, face, (FACE, *_PHRASES))
    again = next((one.box for one in found if one.phrase == FACE), None)
    if again is None:
        return 0.0
    sure = {part.attribute: part.score for part in select_parts(found, again, _TABLE)}
    parts = sum(sure.values()) / len(_TABLE)
    return parts + sure.get("eyes", 0.0) + again.iou(face) + _uneven(image, face)


def _uneven(image: Tensor, face: Box) -> float:
    """How unevenly colours change in a face: the root mean square of their steps by the mean.

    Painted skin is even and ends in edges; in a photograph something changes everywhere, blurred
    or not.
    """
    view = cut(image, face, (_SIDE, _SIDE))
    here = view[..., 1:, 1:]
    steps = torch.maximum((here - view[..., 1:, :-1]).abs(), (here - view[..., :-1, 1:]).abs())
    steps = steps.amax(dim=1)
    return float(steps.square().mean().sqrt() / (steps.mean() + 1e-6))
