"""Faces whose shape is known to the pixel."""

from dataclasses import replace

import numpy as np
import torch

from facea_core.hints import FaceShape
from facea_core.types import Box, DetectedFaces, FaceAttributes, Part, Size

SIZE = (160, 200)
BOXES = {
    "face": Box(60, 40, 120, 120),
    "hair": Box(50, 20, 130, 80),
    "eyebrows": Box(68, 58, 112, 64),
    "eyes": Box(68, 66, 112, 76),
    "nose": Box(83, 74, 97, 92),
    "mouth": Box(76, 98, 104, 108),
}


def face(boxes=BOXES, size: Size = SIZE, **changes) -> FaceAttributes:
    parts = tuple(Part(name, box, 0.9) for name, box in boxes.items())
    return replace(FaceAttributes(size, boxes["face"], 0.9, parts, "known", roll=0.0), **changes)


def other_face(size: Size = SIZE) -> FaceAttributes:
    """Somebody else: wider, with a long nose."""
    boxes = {name: box.scale(1.25, 1.0).shift(-12, 6) for name, box in BOXES.items()}
    boxes["nose"] = boxes["nose"].grow(1.4)
    return face(boxes, size)


def found(*images) -> DetectedFaces:
    """What was found in each image: a list of faces."""
    return DetectedFaces("face", tuple(tuple(faces) for faces in images))


def pictures(count: int = 1, size: Size = SIZE) -> list[torch.Tensor]:
    return [torch.full((1, 3, *size), 0.5) for _ in range(count)]


def points_shape(five, size: Size = SIZE) -> FaceShape:
    """A face of which five points are known, all others lying on the nose."""
    points = np.tile(np.asarray(five[2], dtype=float), (70, 1))
    points[[68, 69, 30, 48, 54]] = five
    return FaceShape(BOXES["face"], {}, {}, points)
