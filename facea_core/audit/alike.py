"""Which photos are the same image twice, and which show another person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..dlib_models import landmarks_available
from ..errors import ConfigError, quoted
from ..evaluation import embed_faces
from ..evaluation.embedders import Embedder, load_embedder
from ..io.images import luma_of, resize
from ..types import Box, FaceAttributes, Photo
from .config import EMBEDDERS
from .upright import upright_crop

_SIDE, _SHIFT = 32, 3
_ZOOMS = (0.92, 0.96, 1.0, 1.04, 1.08)
"""A copy in another size is found with a slightly other face box."""

SAME_PERSON: dict[str, tuple[float, float]] = {"tiny": (0.68, 0.75), "landmarks": (0.90, 0.925)}
"""By embedder: cosines of faces below the first are of two people, above the second of one.

Measured, each face with the nearest of the others: of 212 synthetic faces 99 % have 0.82 and more
with one of the same person, 58 of 60 strangers 0.68 and less, 0.72 at most. Of 583 photographs
99.5 % have 0.90 and more with another of the same person, 97 % 0.925; of strangers 94 % have less
than the first, 99.4 % less than the second. Relatives and lookalikes, children of one age and faces
far from the embedder's own training lie between."""

_HAIRLINES: dict[str, tuple[float, ...]] = {"tiny": (0.0, 0.12, 0.22)}
"""By embedder: how much of a face's height may be hair, and is tried without. The tiny detector now
and then takes a hairline of the skin's colour for skin, and its embedder knows exact boxes only."""

_PAINTED = 128
"""The resolution of facea-tiny, which learns synthetic people only."""


def audit_embedder(name: str, resolution: int) -> Embedder | None:
    """Who tells people apart: "landmarks" photographs, "tiny" synthetic faces, "none" nobody.

    "auto" is tiny for a model of facea-tiny's resolution, else landmarks where installed, else
    none. Raises ConfigError for another name, MissingDependencyError for landmarks without its
    packages.
    """
    if name not in EMBEDDERS:
        raise ConfigError(
            f"embedder {quoted(name)} is unknown; choose one of {', '.join(EMBEDDERS)}"
        )
    if name == "auto":
        photographs = "landmarks" if landmarks_available() else "none"
        name = "tiny" if resolution <= _PAINTED else photographs
    return None if name == "none" else load_embedder(name)


def pictures_alike(
    images: Sequence[Tensor], faces: Sequence[FaceAttributes | None]
) -> tuple[Tensor, Tensor]:
    """How alike N images `(1, 3, H, W)` are: `(N, N)` as wholes, `(N, N)` in their faces.

    Correlations in [-1, 1], 1 for copies in other light, size or compression, mirrored or not; the
    faces' also where one was cut otherwise. -1 for faces where one has none.
    """
    wholes = torch.stack([_whole(image) for image in images])
    count = len(images)
    whole = (wholes[:, 0] @ wholes.flatten(0, 1).T).view(count, count, 2).amax(dim=2)
    face = torch.full((count, count), -1.0)
    there = torch.tensor([i for i, one in enumerate(faces) if one is not None])
    seen = [(image, one) for image, one in zip(images, faces, strict=True) if one is not None]
    if seen:
        straight = torch.cat([_straight(image, one) for image, one in seen])
        # The ways in which one face may lie over another are many: those of one photo at a time.
        rows = [(_moved(_zoomed(image, one)) @ straight.T).amax(dim=0) for image, one in seen]
        best = torch.stack(rows).view(len(seen), len(seen), 2).amax(dim=2)
        face[there[:, None], there] = torch.maximum(best, best.T)
    return whole, face


@dataclass(frozen=True, eq=False)
class Print:
    """What tells one picture from copies of it: `whole (2, P)` as it is and mirrored, `straight
    (2, P)` the same of its face, `zoomed (Z, 1, w, w)` that face in several sizes."""

    whole: Tensor
    straight: Tensor
    zoomed: Tensor

    @cached_property
    def views(self) -> Tensor:
        """`(V, P)`: the face moved as well, in thirty times the memory."""
        return _moved(self.zoomed)


def print_of(image: Tensor, face: FaceAttributes) -> Print:
    """The print of an image `(1, 3, H, W)` and its face, to be compared with many others."""
    return Print(_whole(image), _straight(image, face), _zoomed(image, face))


def prints_alike(one: Print, other: Print) -> tuple[float, float]:
    """How alike two pictures are, as wholes and in their faces; see `pictures_alike`."""
    whole = float((one.whole[0] @ other.whole.T).max())
    face = max(float((a.views @ b.straight.T).max()) for a, b in ((one, other), (other, one)))
    return whole, face


def _whole(image: Tensor) -> Tensor:
    """`(2, P)`: the image and its mirror image, small."""
    return _both_ways(resize(luma_of(image), (_SIDE, _SIDE), mask=True))


def _straight(image: Tensor, face: FaceAttributes) -> Tensor:
    """`(2, P)`: the face and its mirror image. Not upright: a copy is turned like its original."""
    return _both_ways(luma_of(upright_crop(image, face, _SIDE, scale=1.6, upright=False)))


def _zoomed(image: Tensor, face: FaceAttributes) -> Tensor:
    """`(Z, 1, w, w)`: the face in all the sizes in which another may lie over it, with room."""
    wide = _SIDE + 2 * _SHIFT
    return torch.cat([
        luma_of(upright_crop(image, face, wide, scale=1.6 * zoom * wide / _SIDE, upright=False))
        for zoom in _ZOOMS
    ])  # fmt: skip


def _moved(zoomed: Tensor) -> Tensor:
    """`(V, P)`: each of them in all places."""
    return _unit(F.unfold(zoomed, _SIDE).transpose(1, 2).flatten(0, 1))


def _both_ways(picture: Tensor) -> Tensor:
    """`(2, P)`: `(1, 1, h, w)` and its mirror image."""
    return _unit(torch.cat([picture, picture.flip(-1)]).flatten(1))


def _unit(values: Tensor) -> Tensor:
    """Rows without their mean, of length 1; rows of one value stay 0."""
    values = values - values.mean(dim=1, keepdim=True)
    return values / (values.norm(dim=1, keepdim=True) + 1e-6)


def face_cosines(
    images: Sequence[Tensor], faces: Sequence[FaceAttributes], embedder: Embedder
) -> Tensor:
    """Cosines `(N, N)` of the faces of N photos, each cut out as it is most like the other."""
    trims = _HAIRLINES.get(embedder.name, (0.0,))
    photos = [
        Photo(image, replace(face, face=_lower(face.face, trim)))
        for image, face in zip(images, faces, strict=True)
        for trim in trims
    ]
    count, vectors = len(trims), embed_faces(photos, embedder)
    cosines = (vectors @ vectors.T).view(len(faces), count, len(faces), count)
    return cosines.amax(dim=(1, 3))


def _lower(box: Box, share: float) -> Box:
    """The box without that share of its height at the top, at least a pixel of it."""
    return box._replace(y0=min(box.y0 + round(share * box.height), box.y1 - 1))


def group(linked: Sequence[Sequence[bool]]) -> list[list[int]]:
    """The connected groups of things, largest first, of a symmetric table of links."""
    left, groups = set(range(len(linked))), []
    while left:
        members, todo = set(), [min(left)]
        while todo:
            one = todo.pop()
            if one not in members:
                members.add(one)
                todo += [other for other in left if linked[one][other]]
        left -= members
        groups.append(sorted(members))
    return sorted(groups, key=lambda members: (-len(members), members))
