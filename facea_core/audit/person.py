"""Of the faces of an image those of one person, whom some photos show."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..detection.detect import Only
from ..evaluation.embedders import embedder_for
from ..types import FaceAttributes, Photo
from .likeness import OTHER, judge_likeness


def only_of(photos: Sequence[Photo]) -> Only:
    """Keeps the faces that may be the person's of these photos, the most alike first.

    Those stay of which `verdict` does not say that they are somebody else's. Raises
    MissingDependencyError for photographs without the packages of landmarks.
    """
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
