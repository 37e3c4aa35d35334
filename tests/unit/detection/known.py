"""Detectors that know what they see, and their answers."""

import torch

from facea_core.detection.detect import (
    detect_attributes,
)
from facea_core.synthetic.render import Painting
from facea_core.types import Box, Detection, FaceAttributes

COUNT = 4
FACE = Box(30, 30, 90, 100)


class Painted:
    """A detector that knows the pictures of a painting and answers with their exact boxes."""

    name = "painted"

    def __init__(self, painting: Painting) -> None:
        self.painting = painting

    def detect(self, image, phrases):
        for i, boxes in enumerate(self.painting.boxes):
            if torch.equal(image[0], self.painting.image[i]):
                return tuple(
                    Detection(phrase, Box(*boxes[phrase]), 0.9)
                    for phrase in phrases
                    if phrase in boxes
                )
        return ()


class Known:
    """A detector that gives the same candidates for every picture."""

    name = "known"

    def __init__(self, *found: Detection) -> None:
        self.found = found

    def detect(self, image, phrases):
        return tuple(one for one in self.found if one.phrase in phrases)


def the_face(image, detector, config=None) -> FaceAttributes:
    """The answer for one image, which must have one."""
    (answer,) = detect_attributes([image], detector, config)
    assert answer is not None
    return answer


def box_of(face: FaceAttributes, attribute: str) -> Box:
    part = face.part(attribute)
    assert part is not None
    return part.box


def two_people(painting):
    """Candidates for the first two people of a painting, side by side, and their picture."""
    image = torch.cat([painting.image[:1], painting.image[1:2]], dim=-1)
    found = [
        Detection(part, Box(*box).shift(128 * i, 0), 0.9)
        for i in (0, 1)
        for part, box in painting.boxes[i].items()
    ]
    return image, Known(*found)
