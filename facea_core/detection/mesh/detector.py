"""Faces and parts of photographs from 468 points: comes with the pack, offline, no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ...errors import AssetError
from ...io.assets import asset
from ...io.images import resize
from ...types import Box, Detection
from ..base import FACE
from ..hulls import around, keep_surer
from .nets import MeshNets, empty_nets
from .parts import parts_of
from .points import place_of, read_points
from .search import Place, look

ASSET = "mediapipe-face.safetensors"

_SIDES = (96, 192, 384, 768)
"""Longer sides in pixels at which every image is searched, for large faces and small ones.

BlazeFace misses faces higher than some 140 pixels: one that fills the image is found at 96.
"""

_LARGE = 32
"""Least width of a face in the first of several views: smaller ones are seen better in the next."""

_MORE = 1536
"""The next one, for large images in which only small faces were found, or none."""

_ENLARGED = 2.0
"""Larger copies of small images show nothing that is not there."""

_SMALL = 40
"""A face this wide in the largest view, or less, may have smaller neighbours."""

_SURE = 0.5
"""A face of this score ends the search in turned copies of the image."""

_LEAST = 0.05
_MOST_FACES = 64

_HAIR_TRUST = 0.4
"""The share of the face's score that hair gets, which no point shows."""


class MeshDetector:
    """Faces, eyes, eyebrows, nose and mouth from MediaPipe's face mesh; hair estimated from them.

    Eyes and eyebrows come as one box around both, and as two. All but hair have outlines. The
    image is searched at several sizes, and in turned copies if it shows no face upright. `nets`
    defaults to those that come with the pack, loaded at the first call; AssetError without them.
    """

    name = "mesh"

    def __init__(self, nets: MeshNets | None = None) -> None:
        self._nets = nets

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates in `image` `(1, 3, H, W)`; boxes may reach outside where a face is cut."""
        found: list[Detection] = []
        for points, score in self.find(image):
            parts = parts_of(points)
            face = parts[FACE].box
            for phrase in (one for one in dict.fromkeys(phrases) if one in parts):
                one, hair = parts[phrase], phrase == "hair"
                trust = score * _HAIR_TRUST if hair else score
                pieces = [(one.box, one.outlines)]
                pieces += [(box, (shape,)) for box, shape in one.pieces]
                found += [
                    Detection(phrase, box, trust, hair, self.name, outlines, face)
                    for box, outlines in pieces
                ]
        return tuple(found)

    def find(self, image: Tensor) -> tuple[tuple[np.ndarray, float], ...]:
        """The points `(468, 2)`, x and y in pixels, and the score of each face, best first.

        `image` is `(1, 3, H, W)`. What is no face has a score under 0.1, with few exceptions.
        """
        self._nets = nets = self._nets or load_nets()
        image = image.detach().float().cpu()
        largest = max(image.shape[-2:])
        small = _reduced(image)
        back = largest / max(small.shape[-2:])
        sides = [side for side in _SIDES if side <= _ENLARGED * largest] or [_SIDES[0]]
        found: list[_Face] = []

        def search(side: int, turn: int = 0) -> None:
            least = _LARGE if side == _SIDES[0] < sides[-1] else 0
            places = [one for one in look(small, nets.blaze, side, turn) if one.pixels >= least]
            keep_surer(found, _read(image, nets, [_scaled(one, back) for one in places]))

        for side in sides:
            search(side)
        widths = [one.width * sides[-1] / largest for one in found if one.score >= _SURE]
        if largest > sides[-1] and min(widths, default=0.0) <= _SMALL:
            search(_MORE)
        for turn, side in product((1, 3, 2), sides):
            if not any(one.score >= _SURE for one in found):
                search(side, turn)
        found.sort(key=lambda one: -one.score)
        return tuple((one.points, one.score) for one in found[:_MOST_FACES])


@cache
def load_nets(path: Path | None = None) -> MeshNets:
    """The networks that come with the pack, float32, for the CPU. AssetError if they do not fit."""
    path = path or asset(ASSET)
    nets = empty_nets()
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
        nets.load_state_dict(state, assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise AssetError(
            f"cannot read the face mesh {path} ({str(error).splitlines()[0]}); install FaceA again"
        ) from error
    return nets.requires_grad_(False)


class _Face(NamedTuple):
    points: np.ndarray
    score: float
    box: Box

    @property
    def width(self) -> float:
        return min(self.box.width, self.box.height)


def _reduced(image: Tensor) -> Tensor:
    """The copy that every view is made of."""
    factor = min(1.0, _MORE / max(image.shape[-2:]))
    height, width = (max(1, round(side * factor)) for side in image.shape[-2:])
    return resize(image, (height, width))


def _scaled(place: Place, factor: float) -> Place:
    return place._replace(x=place.x * factor, y=place.y * factor, side=place.side * factor)


def _read(image: Tensor, nets: MeshNets, places: Sequence[Place]) -> list[_Face]:
    """The faces that two looks agree on, the second along the points of the first."""
    first = read_points(image, nets.mesh, places)
    there = [
        (points, sure, place)
        for (points, sure), place in zip(first, places, strict=True)
        if sure >= _LEAST
    ]
    closer = [place_of(points, place) for points, _, place in there]
    faces = []
    second = read_points(image, nets.mesh, closer)
    for (points, sure), (_, before, place) in zip(second, there, strict=True):
        # Whether it is a face the mesh knows far better; BlazeFace's score counts for a half.
        score = min(sure, before) * (0.5 + 0.5 * place.score)
        if score >= _LEAST and np.isfinite(points).all():
            faces.append(_Face(points, score, around(points)))
    return faces
