"""Faces and parts of photographs from 68 landmarks, an extra beside the mesh: offline, no GPU.

dlib's HOG face detector with its 68-point shape predictor (Kazemi and Sullivan 2014), whose file
comes from the package `face_recognition_models`. That predictor was trained on iBUG 300-W, whose
licence excludes commercial use.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor

from ..dlib_models import INSTALL, MODELS, landmarks_available, model_folder
from ..errors import AssetError, MissingDependencyError
from ..io.images import crop, resize
from ..types import Box, Detection, Outline
from .base import FACE
from .hulls import around, hair_box, hull, keep_surer

_PREDICTOR = "shape_predictor_68_face_landmarks.dat"

_SIDE = 1024
"""Longest side in pixels of the first search; the face detector finds faces from 80 px on."""

_MOST = 2048 * 2048
"""Most pixels of an enlarged image that is searched."""

_SURE = 0.5
"""A face of this score ends the search for better views of the image."""

# Landmarks by index, and how far a part goes beyond its points, as a share of the face's width.
_PARTS: dict[str, tuple[slice, float, float]] = {
    "eyebrows": (slice(17, 27), 0.03, 0.03),
    "nose": (slice(27, 36), 0.05, 0.02),
    "eyes": (slice(36, 48), 0.05, 0.05),
    "mouth": (slice(48, 68), 0.03, 0.03),
}

# The left and the right half of a pair, as seen in the image.
_HALVES: dict[str, tuple[slice, slice]] = {
    "eyebrows": (slice(17, 22), slice(22, 27)),
    "eyes": (slice(36, 42), slice(42, 48)),
}

_FOREHEAD = 0.35
"""How far the hairline lies above the brows, as a share of the way from brows to chin."""

_HAIR_TRUST = 0.4
"""The share of the face's score that hair gets, which no landmark shows."""


class LandmarksDetector:
    """Faces, eyes, eyebrows, nose and mouth from landmarks; hair estimated from the face.

    Eyes and eyebrows come as one box around both, and as two: so one can tell how the head is
    turned. All but hair have outlines, the hulls of their points.

    Small faces are looked for in enlarged copies, huge images are reduced, and faces cut by the
    border are looked for in a copy whose border is extended. Raises MissingDependencyError if the
    packages of the extra are missing and AssetError if the model file is.
    """

    name = "landmarks"

    def __init__(self) -> None:
        if not landmarks_available():
            missing = "dlib" if importlib.util.find_spec("dlib") is None else MODELS
            raise MissingDependencyError(
                f"the landmarks detector needs the package {missing}, which is not installed; "
                f"{INSTALL}"
            )

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; boxes may reach outside where a face is cut."""
        found: list[Detection] = []
        for points, score in find_landmarks(image):
            boxes, outlines = part_boxes(points), part_outlines(points)
            for phrase in phrases:
                if phrase not in boxes:
                    continue
                hair = phrase == "hair"
                trust = score * _HAIR_TRUST if hair else score
                shape = outlines.get(phrase, ())
                found.append(Detection(phrase, boxes[phrase], trust, hair, self.name, shape))
                if phrase in _HALVES:
                    halves = zip(half_boxes(points, phrase), shape, strict=True)
                    found += [
                        Detection(phrase, box, trust, False, self.name, (outline,))
                        for box, outline in halves
                    ]
        return tuple(found)


def find_landmarks(image: Tensor) -> tuple[tuple[np.ndarray, float], ...]:
    """The 68 points `(68, 2)`, x and y in pixels, and the score of each face, best first.

    `image` is `(1, 3, H, W)`. The score is the detector's margin squashed into [0, 1]; false faces
    mostly stay under 0.35.
    """
    found: list[tuple[np.ndarray, float]] = []
    height, width = image.shape[-2:]
    first = min(1.0, _SIDE / max(height, width))
    for step, factor in enumerate((first, 2 * first, 4 * first)):
        if step and factor * factor * height * width > _MOST:
            break
        keep_surer(found, _search(image, factor, Box(0, 0, width, height)))
        # A second look always: a large face in front must not hide the smaller ones.
        if step and _best(found) >= _SURE:
            break
    if _best(found) < _SURE:
        margin = max(height, width) // 4
        frame = Box(-margin, -margin, width + margin, height + margin)
        for factor in (first, 2 * first):
            if factor * factor * frame.area <= _MOST and _best(found) < _SURE:
                keep_surer(found, _search(image, factor, frame))
    return tuple(sorted(found, key=lambda one: -one[1]))


def part_boxes(points: np.ndarray) -> dict[str, Box]:
    """Boxes of face, hair (estimated), eyebrows, eyes, nose and mouth from 68 points `(68, 2)`."""
    face, unit = around(_head(points)), _unit(points)
    boxes = {
        name: around(points[which], dx * unit, dy * unit)
        for name, (which, dx, dy) in _PARTS.items()
    }
    boxes[FACE] = face
    boxes["hair"] = hair_box(face)
    return boxes


def half_boxes(points: np.ndarray, name: str) -> tuple[Box, Box]:
    """The left and the right one of the eyes or eyebrows; joined they are the box of both."""
    _, dx, dy = _PARTS[name]
    unit = _unit(points)
    left, right = (around(points[which], dx * unit, dy * unit) for which in _HALVES[name])
    return left, right


def part_outlines(points: np.ndarray) -> dict[str, tuple[Outline, ...]]:
    """Hulls of the points `(68, 2)` by part, grown as the boxes are; two of eyes and eyebrows."""
    unit = _unit(points)
    outlines: dict[str, tuple[Outline, ...]] = {FACE: (hull(_head(points)),)}
    for name, (whole, dx, dy) in _PARTS.items():
        pieces = _HALVES.get(name, (whole,))
        outlines[name] = tuple(hull(points[one], dx * unit, dy * unit) for one in pieces)
    return outlines


def _head(points: np.ndarray) -> np.ndarray:
    """Jaw, brows and the hairline above them."""
    brows, chin = points[17:27], points[8]
    # The forehead lies on from the chin beyond the brows, also in a tilted head.
    up = _FOREHEAD * (brows.mean(axis=0) - chin)
    return np.concatenate([points[:27], brows + up])


def _unit(points: np.ndarray) -> float:
    """The face's width in pixels, of which margins are shares."""
    return float(np.ptp(points[:17], axis=0).max())


@cache
def _models() -> tuple[Any, Any, Any]:
    """dlib, its face detector and the shape predictor, a file of 100 MB that loads in 1 to 2 s."""
    folder = model_folder()
    path = folder / _PREDICTOR if folder else None
    if path is None or not path.is_file():
        raise AssetError(
            f"the landmarks model is missing: {path or _PREDICTOR}; "
            f"reinstall {MODELS}, or {INSTALL}"
        )
    dlib: Any = importlib.import_module("dlib")
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise AssetError(f"cannot read the landmarks model {path} ({error}); {INSTALL}") from error
    return dlib, dlib.get_frontal_face_detector(), predictor


def _search(image: Tensor, factor: float, frame: Box) -> list[tuple[np.ndarray, float]]:
    """Faces of the part `frame` of the image, seen `factor` times as large."""
    dlib, detector, predictor = _models()
    view = crop(image, frame)
    size = (max(1, round(frame.height * factor)), max(1, round(frame.width * factor)))
    view = resize(view, size)
    pixels = view[0].permute(1, 2, 0).mul(255).round().byte().cpu().contiguous().numpy()
    rectangles, margins, _ = detector.run(pixels, 0, 0.0)
    found = []
    for rectangle, margin in zip(rectangles, margins, strict=True):
        shape = predictor(pixels, rectangle)
        points = np.array([(point.x + 0.5, point.y + 0.5) for point in shape.parts()])
        points = points * (frame.width / size[1], frame.height / size[0]) + (frame.x0, frame.y0)
        found.append((points, _score(margin)))
    return found


def _score(margin: float) -> float:
    # True faces have margins above 0.3, mostly 1 to 2; cloth and leaves reach 0.2.
    return 1.0 / (1.0 + math.exp(-3.0 * (margin - 0.45)))


def _best(found: list[tuple[np.ndarray, float]]) -> float:
    return max((score for _, score in found), default=0.0)
