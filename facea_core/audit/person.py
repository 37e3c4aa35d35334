"""Of the faces of an image those of one person, whom some photos show."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.detect import Only, detect_chosen
from ..errors import NoFaceError
from ..evaluation.embedders import embedder_for
from ..types import FaceAttributes, Photo
from .likeness import OTHER, judge_likeness


def only_of(references: Sequence[Tensor], detector: Detector) -> Only:
    """Keeps the faces that may be the person's of images (1, 3, H, W), the most alike first.

    Those stay of which `verdict` does not say that they are somebody else's; the largest face of
    each reference counts. Raises NoFaceError if none shows one, MissingDependencyError for
    photographs without the packages of landmarks.
    """
    config = DetectConfig("face", on_missing="skip")
    found = detect_chosen(references, detector, config)
    photos = [
        Photo(image, faces[0]) for image, faces in zip(references, found, strict=True) if faces
    ]
    if not photos:
        raise NoFaceError(
            f"none of the {len(references)} references shows a face to look for; give photos of "
            "the person, or none to go by the order of faces"
        )
    embedder = embedder_for([photo.attributes for photo in photos])

    def only(image: Tensor, faces: Sequence[FaceAttributes]) -> tuple[FaceAttributes, ...]:
        if not faces:
            return ()
        judged = judge_likeness([Photo(image, face) for face in faces], photos, embedder)
        there = [
            (one.nearest, face)
            for one, face in zip(judged, faces, strict=True)
            if one.verdict != OTHER and one.nearest is not None
        ]
        return tuple(face for _, face in sorted(there, key=lambda one: -one[0]))

    return only
