"""The face that is to be repainted."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..types import FaceAttributes
from .base import FACE, Detector
from .detect import DetectConfig, detect_attributes, detect_faces


def detect_target(
    image: Tensor, detector: Detector, config: DetectConfig | None = None
) -> FaceAttributes:
    """The chosen face of `image` `(1, 3, H, W)`, with its hair where that was found.

    `config.attributes` and `config.on_missing` do not apply: hair may be hidden, a face may not.
    Raises NoFaceError where there is no such face, ImageError for an image that cannot be used.
    """
    config = replace(config or DetectConfig(), attributes="hair", on_missing="error")
    faces = detect_faces(image, detector, config)
    if config.face_index < len(faces):
        return faces[config.face_index]
    (face,) = detect_attributes([image], detector, replace(config, attributes=FACE))
    assert face is not None  # it raises, in the words that fit
    return face
