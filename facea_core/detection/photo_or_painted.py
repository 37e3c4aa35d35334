"""Photographed or synthetic: networks trained on photographs find synthetic faces as well."""

from __future__ import annotations

from collections.abc import Sequence

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
"""Longest side in pixels at which a face is looked at for flat colours."""

_LEVEL = 4 / 255
"""Pixels that differ less from their neighbours' mean (times four) lie in an even area."""

_PAINTED = 0.9
"""`paintedness` of a synthetic face: at least 1.0 in 200 synthetic people, at most 0.83 in 28 views
of seven photographs."""


class PaintedFirst:
    """`detector`, but an image whose surest face is synthetic is searched by `tiny` alone."""

    def __init__(self, detector: Detector, tiny: TinyDetector) -> None:
        self.name, self.detector, self.tiny = detector.name, detector, tiny

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; tiny's, if it also finds the synthetic face."""
        found = self.detector.detect(image, phrases)
        faces = [one for one in found if one.phrase == FACE]
        surest = max(faces, key=lambda one: one.score, default=None)
        if surest is not None and paintedness(image, surest.box, self.tiny) >= _PAINTED:
            return self.tiny.detect(image, phrases) or found
        return found


def paintedness(image: Tensor, face: Box, tiny: TinyDetector) -> float:
    """How much a face at `face` in `image` `(1, 3, H, W)` looks painted, from 0 to 2.

    The mean sureness of tiny in five parts, and the share of pixels in areas of even colour.
    """
    found = tiny.look_at(image, face, (FACE, *_PHRASES))
    again = [one.box for one in found if one.phrase == FACE]
    if not again:
        return 0.0
    parts = select_parts(found, again[0], _TABLE)
    return sum(part.score for part in parts) / len(_TABLE) + _even(image, face)


def _even(image: Tensor, face: Box) -> float:
    factor = min(1.0, _SIDE / max(face.width, face.height))
    size = (max(3, round(face.height * factor)), max(3, round(face.width * factor)))
    view = cut(image, face, size)[0]
    beside = view[:, :-2, 1:-1] + view[:, 2:, 1:-1] + view[:, 1:-1, :-2] + view[:, 1:-1, 2:]
    apart = (4 * view[:, 1:-1, 1:-1] - beside).abs().amax(0)
    return float((apart < _LEVEL).float().mean())
