"""Choosing by likeness: the best of several generated faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from . import composing, detection, evaluation
from .detection import DetectConfig
from .errors import NoFaceError
from .masks import window
from .types import FaceAttributes, Identity, Photo


def tools_for(family: str) -> tuple[detection.Detector, evaluation.Embedder]:
    """What finds and compares the faces of a model family: painted or photographed ones.

    Photographs are searched by mesh, which is always there. Who is who in them is for dlib's
    network to say: MissingDependencyError where its packages are not installed.
    """
    if family == "facea-tiny":
        return detector_for(family), evaluation.load_embedder("tiny")
    return detector_for(family), evaluation.load_embedder("landmarks")


def detector_for(family: str) -> detection.Detector:
    """What finds the faces of a model family's pictures, and is always there."""
    return detection.load_detector("tiny" if family == "facea-tiny" else "mesh")


def part_finder(detector: detection.Detector) -> composing.Find:
    """Looks for a face's parts again after it was painted, for `composing.mixed_faces`."""

    def find(picture: Tensor, face: FaceAttributes) -> FaceAttributes:
        near = torch.zeros(1, 1, *face.size)
        window(face.face, 0, near).fill_(1)
        wanted = DetectConfig(face.attributes or "face", on_missing="pass")
        (now,) = detection.detect_attributes([picture], detector, wanted, regions=[near])
        assert now is not None  # "pass" answers for every picture
        return now

    return find


def person_rank(
    photos: Sequence[Photo], detector: detection.Detector, embedder: evaluation.Embedder
) -> composing.Rank:
    """How like the person of these photos a painted square is, for `compose_faces`, of any face.

    A square in which the detector finds no face is like nobody.
    """

    def rank(face: composing.TargetFace, patch: Tensor) -> float:
        (found,) = detection.detect_attributes(
            [patch], detector, DetectConfig("face", on_missing="skip")
        )
        return -1.0 if found is None else evaluation.likeness(embedder, Photo(patch, found), photos)

    return rank


def people_rank(
    photos: Mapping[Identity | None, Sequence[Photo]],
    detector: detection.Detector,
    embedder: evaluation.Embedder,
) -> composing.Rank:
    """The same for several people, by the photos of each; of others nothing is known."""
    ranks = {who: person_rank(some, detector, embedder) for who, some in photos.items()}

    def rank(face: composing.TargetFace, patch: Tensor) -> float | None:
        like = ranks.get(face.identity)
        return None if like is None else like(face, patch)

    return rank


def photos_to_choose_by(
    images: Sequence[Tensor], detector: detection.Detector
) -> tuple[list[Photo], list[str]]:
    """The largest face of each image (1, 3, H, W), and notes on those without one.

    Raises NoFaceError if there is none at all.
    """
    found = detection.detect_attributes(images, detector, DetectConfig("face", on_missing="skip"))
    photos = [
        Photo(image, face, f"photo {number}")
        for number, (image, face) in enumerate(zip(images, found, strict=True), start=1)
        if face is not None
    ]
    if not photos:
        raise NoFaceError(
            f"none of the {len(images)} references shows a face to choose by; give photos of the "
            "person, or none to choose by how well a candidate fits"
        )
    return photos, [
        f"photo {number} left out: no face was found in it"
        for number, face in enumerate(found, start=1) if face is None
    ]  # fmt: skip
