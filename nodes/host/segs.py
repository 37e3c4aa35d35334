"""SEGS, the Impact Pack's word for what a detector found: read and written by shape, not by class.

A pair ((H, W), segments); of each segment only what is named here is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ...facea_core import composing, detection
from ...facea_core.errors import MaskError, quoted
from ...facea_core.io.images import EDGE
from ...facea_core.masks import mask_box
from ...facea_core.types import Box, DetectedFaces, FaceAttributes, Part, Size
from .schema import wired

_AROUND = 3.0
"""Side of the crop around a face, in sides of its box; the Impact Pack's own default."""

_FAINT = 1e-4
"""The score of a segment that has none: 0 would stand for an image without a face."""


class Segment(NamedTuple):
    """A face as the Impact Pack's nodes expect it; boxes are [x0, y0, x1, y1] in the image."""

    cropped_image: Any
    cropped_mask: Any
    confidence: float
    crop_region: Any
    bbox: Any
    label: str
    control_net_wrapper: Any = None


def segs_of(faces: Sequence[FaceAttributes], size: Size) -> tuple[Size, list[Segment]]:
    """The faces of an image of `size` (H, W) as SEGS, each with the mask that Compose repaints.

    Faces of score 0, which stand for an image without one, are left out.
    """
    segments = []
    for face in faces:
        if face.score == 0:
            continue
        mask = composing.face_mask(face)
        around = face.face.grow(_AROUND).join(mask_box(mask) or face.face).clip(size)
        # A copy: a view would hold the mask of the whole image.
        crop = mask[0, 0, around.y0 : around.y1, around.x0 : around.x1].clone().numpy()
        segments.append(
            Segment(None, crop, face.score, list(around), list(face.face), detection.FACE, None)
        )
    return size, segments


def faces_wired(attributes: Any) -> DetectedFaces | None:
    """What is wired to `attributes`, as faces: those of FaceA, or SEGS. Raises ConfigError for
    anything else, MaskError for what has not the shape of SEGS."""
    if isinstance(attributes, tuple | list):
        return faces_of_segs(attributes)
    wired("attributes", attributes, DetectedFaces)
    return attributes


def faces_of_segs(segs: Any) -> DetectedFaces:
    """SEGS as the faces of one image, in their order, each with its segment as the face's mask.

    Raises MaskError for what has not the shape of SEGS.
    """
    try:
        (height, width), segments = segs
        size = int(height), int(width)
        faces = tuple(_face(one, size) for one in segments)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise MaskError(
            f"the SEGS cannot be read ({error}); wire those of a detector of the Impact Pack, or "
            "convert them with SEGS to MASK"
        ) from error
    return DetectedFaces(detection.FACE, (faces,))


def _face(segment: Any, size: Size) -> FaceAttributes:
    region, box = (Box(*map(int, one)) for one in (segment.crop_region, segment.bbox))
    crop = torch.as_tensor(segment.cropped_mask).float().cpu().squeeze()
    if tuple(crop.shape) != (region.height, region.width) or region.clip(size) != region:
        raise ValueError(f"a mask of {tuple(crop.shape)} does not fit {tuple(region)} in {size}")
    mask = torch.zeros(1, 1, *size)
    mask[0, 0, region.y0 : region.y1, region.x0 : region.x1] = crop
    if not bool((mask > EDGE).any()):
        raise ValueError(f"the segment {quoted(segment.label)} at {tuple(box)} marks nothing")
    score = max(float(segment.confidence or 0), _FAINT)
    parts = (Part(detection.FACE, box, score, mask),)
    return FaceAttributes(size, box.clip(size), score, parts, detector="SEGS")
