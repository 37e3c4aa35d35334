"""Sets of painted photos, and changes to them."""

import torch

from facea_core.attributes import attribute_table
from facea_core.audit import (
    AuditConfig,
)
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes, Part

TABLE = attribute_table("male")
CONFIG = AuditConfig(resolution=128, yaw_spread=0.0)


def painted(seed, count=3, person=None):
    """Photos `(1, 3, 128, 128)` of one painted person and their true faces."""
    generator = torch.Generator().manual_seed(seed)
    who = sample_people(1, torch.Generator().manual_seed(person or seed))
    photos = paint(who.repeat(count, 1), sample_scenes(count, generator))
    images = list(photos.image.split(1))
    return images, [
        (face_of(boxes, image),) for boxes, image in zip(photos.boxes, images, strict=True)
    ]


def face_of(boxes, image):
    parts = tuple(
        Part(name, Box(*boxes[name]), 0.9) for name in ("eyes", "nose", "mouth") if name in boxes
    )
    return FaceAttributes(tuple(image.shape[-2:]), Box(*boxes["face"]), 0.9, parts)


def checks(audit, number):
    return {finding.check: finding.status for finding in audit.photos[number].findings}


def changed(ada, number, image, face=None):
    images, faces = list(ada[0]), list(ada[1])
    images[number] = image
    faces[number] = faces[number] if face is None else face
    return images, faces


def soft(image, times):
    for _ in range(times):
        padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
        image = torch.nn.functional.avg_pool2d(padded, 3, 1)
    return image
