"""Grounding-DINO as a detector: faces in the whole image, then each part in a crop of one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...io.images import crop
from ...types import Box, Detection, Size
from ..base import FACE
from ..select import select_faces
from .grounder import LEAST, SHORTEST, Answer, Grounder

_FLOOR = 0.1
"""Least score of a candidate. What counts as found is decided later, by thresholds and priors."""

_MOST = 20
"""Candidates per phrase and view."""

_MOST_FACES = 8
_FACE_FLOOR = 0.25

_AROUND = 2.0
"""The crop in which parts are looked for, in face boxes: hair, ears and beard are in it."""


class GroundingDinoDetector:
    """Finds any phrase with Grounding-DINO, each asked alone: together they disturb each other.

    Faces come from a pass over the whole image. Every other phrase is asked in a crop around each
    of at most 8 faces, the surest first, in which the parts are large and the neighbours few.
    """

    name = "grounding-dino"

    def __init__(self, grounder: Grounder) -> None:
        self.grounder = grounder

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; as `Detector.detect`."""
        size = (image.shape[-2], image.shape[-1])
        whole = Box(0, 0, size[1], size[0])
        faces = self._ask(image, whole, (FACE,), SHORTEST)
        found = [one for one in faces if FACE in phrases]
        parts = tuple(phrase for phrase in phrases if phrase != FACE)
        if parts:
            sure = select_faces(faces, size, order="score", threshold=_FACE_FLOOR)
            for face in sure[:_MOST_FACES]:
                view = view_of(face.box, size)
                # Enlarging it further than the model needs would show nothing more.
                shortest = min(max(view.width, view.height, LEAST), SHORTEST)
                found += self._ask(image, view, parts, shortest)
        return tuple(found)

    def _ask(
        self, image: Tensor, view: Box, phrases: Sequence[str], shortest: int
    ) -> list[Detection]:
        answers = self.grounder.ask(crop(image, view), phrases, shortest)
        return [
            Detection(phrase, box, score, source=self.name)
            for phrase, answer in zip(phrases, answers, strict=True)
            for box, score in candidates(answer, view)
        ]


def view_of(face: Box, size: Size) -> Box:
    """The part of an image of `size` (H, W) in which a face's parts are looked for."""
    side = round(_AROUND * max(face.width, face.height))
    x, y = (round(centre - side / 2) for centre in face.center)
    return Box(x, y, x + side, y + side).clip(size)


def candidates(answer: Answer, view: Box) -> list[tuple[Box, float]]:
    """Boxes in the image's pixels, with their scores, of an answer about the `view` of it."""
    keep = answer.scores[:_MOST] >= _FLOOR
    centre, half = answer.boxes[:_MOST][keep].split(2, dim=1)
    scale = torch.tensor([view.width, view.height])
    start = ((centre - half / 2) * scale).round().int().tolist()
    end = ((centre + half / 2) * scale).round().int().tolist()
    scores = answer.scores[:_MOST][keep].tolist()
    return [
        (Box(*low, *high).shift(view.x0, view.y0), score)
        for low, high, score in zip(start, end, scores, strict=True)
        if high[0] > low[0] and high[1] > low[1]
    ]
