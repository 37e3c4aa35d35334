"""The shape of a face: its points and the outlines of its parts, and a blend of two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..detection.base import FACE
from ..detection.points import face_points
from ..errors import ConfigError, ImageError, NoFaceError, PartError
from ..types import Box, DetectedFaces, FaceAttributes, Part
from .align import between, resampled, similarity, started_like
from .config import EDGES, LINES, LINES_AND_EDGES, HintConfig
from .outlines import part_outlines

LINE_PARTS = (FACE, "hair", "eyebrows", "eyes", "nose", "mouth")

# Where the parts of a face usually are, as shares of its box.
_USUAL: dict[str, tuple[tuple[float, float], ...]] = {
    "eyes": ((0.3, 0.42), (0.7, 0.42)),
    "nose": ((0.5, 0.63),),
    "mouth": ((0.34, 0.8), (0.66, 0.8)),
}

# Of the 70 points: both eyes, the tip of the nose, both corners of the mouth.
_FIVE = (68, 69, 30, 48, 54)


@dataclass(frozen=True, eq=False)
class FaceShape:
    """A face as it is drawn, in the pixels of its image.

    `side` is the longer side of its box; `outlines` by part are (96, 2) each, clockwise; `points`
    (70, 2) as in `detection.points`, None where they were not read. `anchors` are the eyes (2, 2),
    nose (1, 2) and corners of the mouth (2, 2) that were seen, by the outlines of these parts.
    """

    box: Box
    outlines: Mapping[str, tuple[np.ndarray, ...]]
    anchors: Mapping[str, np.ndarray]
    points: np.ndarray | None = None

    @property
    def side(self) -> int:
        return max(self.box.width, self.box.height)

    @property
    def five(self) -> np.ndarray | None:
        """Both eyes (left in the image first), nose tip, both corners of the mouth (5, 2)."""
        return None if self.points is None else self.points[list(_FIVE)]


def shape_of(face: FaceAttributes, image: Tensor | None = None) -> FaceShape:
    """The shape of a face, with its points if `image` (1, 3, H, W) is there to read them from.

    Raises PartError where the image shows no points of this face.
    """
    points = None
    if image is not None and (points := face_points(image, face)) is None:
        by = f" by the detector {face.detector}" if face.detector else ""
        raise PartError(
            f"no points can be read in the face found{by} at {tuple(face.face)}; for such a face "
            f"choose the kind {LINES}, {EDGES} or {LINES_AND_EDGES!r}"
        )
    parts = {part.attribute: part for part in face.parts}
    parts.setdefault(FACE, Part(FACE, face.face, face.score))
    outlines = {
        name: tuple(resampled(one) for one in part_outlines(parts[name], face))
        for name in LINE_PARTS
        if name in parts
    }
    outlines = {name: some for name, some in outlines.items() if some}
    return FaceShape(face.face, outlines, _anchors(outlines, face.roll), points)


def person_shape(
    found: DetectedFaces | None, photos: Sequence[Tensor] | None, config: HintConfig
) -> FaceShape | None:
    """The first face of the person's photos that can be used; None where `blend` asks for none.

    `photos` (1, 3, H, W) are only needed for kinds that draw points. Raises ConfigError if they, or
    what was found in them, are missing, ImageError if they do not belong together, NoFaceError
    if no photo shows a face and PartError if none shows its points.
    """
    if config.blend == 0:
        return None
    if found is None:
        raise ConfigError(
            f"blend is {config.blend:g}, and there is no face of a person to blend with; give "
            "photos and what was found in them (photo_attributes), or set blend to 0"
        )
    if config.by_points and photos is None:
        raise ConfigError(
            f"the points of the kind {config.kind} are read from photos of the person; wire photos "
            f"too, choose the kind {LINES}, or set blend to 0"
        )
    if photos is not None and len(photos) != len(found.faces):
        raise ImageError(
            f"there are {len(photos)} photos, and faces were searched in {len(found.faces)}; wire "
            "the same photos into both"
        )
    seen = [(n, face) for n, faces in enumerate(found.faces) for face in faces if face.score > 0]
    if not seen:
        raise NoFaceError(
            f"none of the {len(found.faces)} photos shows a face of the person; give others, or "
            "set blend to 0"
        )
    first: PartError | None = None
    for number, face in seen:
        photo = photos[number] if photos is not None and config.by_points else None
        if photo is not None and tuple(face.size) != tuple(photo.shape[-2:]):
            raise ImageError(
                f"photo {number + 1} is {tuple(photo.shape[-2:])} (H, W) and its face was searched "
                f"in {tuple(face.size)}; wire the same photos into both"
            )
        try:
            return shape_of(face, photo)
        except PartError as error:
            first = first or error
    assert first is not None
    raise PartError(f"photos: {first}") from first


def blended(image: FaceShape, person: FaceShape, share: float) -> FaceShape:
    """The face of the image with `share` of the person's shape, whose face is moved onto it.

    Turned, scaled and shifted so that five points (eyes, nose, corners of the mouth) fit best. A
    part that only one of them shows is drawn as it is there.
    """
    source, target = _five_of_both(person, image)
    move = similarity(source, target)
    points = None
    if image.points is not None and person.points is not None:
        points = between(image.points, move(person.points), share)
    across = target[1] - target[0]
    outlines = {}
    for name in LINE_PARTS:
        ours = image.outlines.get(name, ())
        theirs = tuple(move(one) for one in person.outlines.get(name, ()))
        if len(ours) == len(theirs):
            pairs = zip(_in_line(ours, across), _in_line(theirs, across), strict=True)
            some = tuple(between(a, started_like(b, a), share) for a, b in pairs)
        else:
            some = ours if not theirs or (ours and share < 0.5) else theirs
        if some:
            outlines[name] = some
    return FaceShape(image.box, outlines, image.anchors, points)


def _in_line(outlines: Sequence[np.ndarray], across: np.ndarray) -> list[np.ndarray]:
    """From the left to the right of the face."""
    return sorted(outlines, key=lambda one: float(one.mean(axis=0) @ across))


def _five_of_both(a: FaceShape, b: FaceShape) -> tuple[np.ndarray, np.ndarray]:
    """The same five points of two faces: read ones if both have them, else those of the parts.

    Of a part that one of them lacks, both have the usual place in the box of the face.
    """
    if a.five is not None and b.five is not None:
        return a.five, b.five
    shared = [name for name in _USUAL if name in a.anchors and name in b.anchors]

    def five(shape: FaceShape) -> np.ndarray:
        low, sides = np.array(shape.box[:2]), np.array([shape.box.width, shape.box.height])
        usual = {name: low + np.array(at) * sides for name, at in _USUAL.items()}
        return np.concatenate([(shape.anchors if n in shared else usual)[n] for n in _USUAL])

    return five(a), five(b)


def _anchors(
    outlines: Mapping[str, tuple[np.ndarray, ...]], roll: float | None
) -> dict[str, np.ndarray]:
    """Where eyes, nose and corners of the mouth are, of those that have outlines."""
    turned = math.radians(roll or 0.0)
    across = np.array([math.cos(turned), math.sin(turned)])
    anchors = {}
    eyes = _in_line(outlines.get("eyes", ()), across)
    if len(eyes) == 2:
        anchors["eyes"] = np.stack([one.mean(axis=0) for one in eyes])
        across = anchors["eyes"][1] - anchors["eyes"][0]
    if nose := outlines.get("nose"):
        anchors["nose"] = np.concatenate(nose).mean(axis=0, keepdims=True)
    if mouth := outlines.get("mouth"):
        lips = np.concatenate(mouth)
        along = lips @ across
        anchors["mouth"] = lips[[int(along.argmin()), int(along.argmax())]]
    return anchors
