"""Whether a painting becomes a picture of the set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..audit.alike import Print, print_of, prints_alike
from ..audit.config import AuditConfig
from ..audit.measure import blur_of
from ..detection import DetectConfig, detect_chosen
from ..detection.base import Detector
from ..detection.config import EVERY_FACE
from ..evaluation import Embedder, embed_faces
from ..types import FaceAttributes, Photo
from .hosts import Host
from .people import Band

_SEARCHED = DetectConfig("face, eyes, nose, mouth, hair", face_index=EVERY_FACE, on_missing="pass")

_SAME_PLACE = 0.5
"""IoU of the painted face with the host's from which on it is where it should be."""

ONE_LOOK = 0.95
"""Cosine of what two pictures have beside the person, above which they are one picture twice."""

_LIMITS = AuditConfig()


@dataclass(frozen=True, eq=False)
class Seen:
    """A painting's face, its unit vector (D,), and what both are compared with."""

    face: FaceAttributes
    vector: Tensor
    print: Print
    cosine: float
    margin: float | None
    nearest: str
    alike: float
    host: float
    """Cosine with the host's own face."""


@dataclass(frozen=True, eq=False)
class Judge:
    """What pictures of one person are compared with: all people's mean photos `centres (K, D)`, of
    which the person's is number `own`, and the prints of the person's photos."""

    detector: Detector
    embedder: Embedder
    names: Sequence[str]
    centres: Tensor
    own: int
    photos: Sequence[Print]
    band: Band
    margin: float
    resolution: int

    def look(self, image: Tensor, host: Host, before: Tensor, kept: Sequence[Seen]) -> Seen | str:
        """What is seen in a painting `(1, 3, H, W)` of `host`, whose picture was `before`; or why
        it is rejected.

        One face where the host's was and not blurred; likeness within the band, and by a margin
        more than to anybody else; no copy of a photo, or of one of the pictures `kept`.
        """
        face = one_face(image, host, self.detector)
        if isinstance(face, str):
            return face
        blur = blur_of(image, face, self.resolution)
        if blur > max(_LIMITS.soft, host.blur):
            return f"blurred ({blur:.2f})"
        (vector,) = embed_faces([Photo(image, face)], self.embedder)
        cosines = self.centres @ vector
        cosine, others = float(cosines[self.own]), cosines.clone()
        others[self.own] = -1.0
        margin = cosine - float(others.max()) if len(others) > 1 else None
        nearest = self.names[int(others.argmax())] if len(others) > 1 else ""
        if cosine < self.band.lower:
            return f"unlike the person ({cosine:.3f})"
        if cosine > self.band.upper:
            return f"a copy by likeness ({cosine:.3f})"
        if margin is not None and margin < self.margin:
            return f"as like {nearest} ({margin:+.3f})"
        mine = print_of(image, face)
        alike = self._alike(mine, vector, kept)
        if isinstance(alike, str):
            return alike
        (theirs,) = embed_faces([Photo(before, host.face)], self.embedder)
        return Seen(face, vector, mine, cosine, margin, nearest, alike, float(vector @ theirs))

    def _alike(self, mine: Print, vector: Tensor, kept: Sequence[Seen]) -> float | str:
        """The correlation with the most similar picture, or which one this is a copy of."""
        most, centre = -1.0, self.centres[self.own]
        for number, other in enumerate((*self.photos, *(one.print for one in kept))):
            whole, face = prints_alike(mine, other)
            if whole > _LIMITS.duplicate or face > _LIMITS.alike:
                known = number - len(self.photos)
                what = f"photo {number + 1}" if known < 0 else f"picture {known + 1}"
                return f"a copy of {what} ({max(whole, face):.3f})"
            most = max(most, whole, face)
        beside = vector - centre
        for one in kept:
            theirs = one.vector - centre
            if float(torch.cosine_similarity(beside, theirs, dim=0)) > ONE_LOOK:
                return "the same look as a picture that is kept"
        return most


def one_face(image: Tensor, host: Host, detector: Detector) -> FaceAttributes | str:
    """The only face in a painting `(1, 3, H, W)`, which lies where the host's was; or what is
    wrong."""
    (found,) = detect_chosen([image], detector, _SEARCHED)
    found = [face for face in found if face.score > 0]
    if len(found) != 1:
        return f"{len(found)} faces"
    (face,) = found
    if face.face.iou(host.face.face) < _SAME_PLACE:
        return "the face is not where the host's was"
    return face
