"""The embedded detector: finds the synthetic faces of `facea_core.synthetic` and their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..attributes import attribute_table
from ..io.images import cut
from ..synthetic.render import PARTS
from ..types import Box, Detection, Size
from .base import FACE
from .heatmaps import Area, find_areas
from .select import select_parts

Model = Callable[[Tensor], Tensor]
"""`(B, 3, 128, 128)` in [0, 1] -> logits `(B, len(PARTS), n, n)` of the parts' areas."""

SIDE = 128
"""Side in pixels of the images the model sees."""

_USUAL = 0.48
"""Usual height of a face as a share of the window it is seen best in."""

_CENTRE = (0.50, 0.57)
"""Where the face's centre lies in that window."""

_SCALES = 1.7
"""Step between the window sides of the search."""

_LEAST_SIDE = 96
_MOST_WINDOWS = 100
_MOST_FACES = 16
_BATCH = 16

_FEATURES = attribute_table("eyes, nose, mouth")
_TRUST = (0.15, 0.35, 0.7, 1.0)
"""The share of a face's score that stands with so many of these features seen in it."""


class TinyDetector:
    """Heatmaps of part areas turned into boxes.

    The image is searched for faces through square windows of several sizes; each face is then
    looked at once more in a window in which it has its usual size and place, and the parts are read
    off there. `model` defaults to the one shipped with the package, loaded at the first call.
    """

    name = "tiny"

    def __init__(self, model: Model | None = None) -> None:
        self._model = model

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates for those of `phrases` that are in PARTS, in `image` `(1, 3, H, W)`."""
        found: list[Detection] = []
        with torch.no_grad():
            for face in self._find_faces(image)[:_MOST_FACES]:
                found += self._read(image, face, phrases)
        return tuple(found)

    def look_at(self, image: Tensor, face: Box, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """The same for a face that another detector found, without a search; () if it sees none."""
        with torch.no_grad():
            return tuple(self._read(image, face, phrases))

    def _find_faces(self, image: Tensor) -> list[Box]:
        """Rough boxes of the faces, likeliest first."""
        size = (image.shape[-2], image.shape[-1])
        windows = search_windows(size)
        rated: list[tuple[float, Box]] = []
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            heatmaps = self._look(image, batch)[:, PARTS.index(FACE)]
            for window, heatmap in zip(batch, heatmaps, strict=True):
                for area in find_areas(heatmap):
                    box = _place(area, window)
                    if not _cut(area, window, size):
                        rated.append((area.score * _plausible(area), box))
        kept: list[Box] = []
        for rating, box in sorted(rated, key=lambda one: (-one[0], one[1])):
            if rating > 0.1 and all(_shared(box, other) < 0.4 for other in kept):
                kept.append(box)
        return kept

    def _read(self, image: Tensor, face: Box, phrases: Sequence[str]) -> list[Detection]:
        """The face and its parts from one close look; nothing if the face is not there again."""
        window = close_window(face, (image.shape[-2], image.shape[-1]))
        heatmaps = self._look(image, [window])[0]
        areas = {part: find_areas(heatmap) for part, heatmap in zip(PARTS, heatmaps, strict=True)}
        again = max(areas[FACE], key=lambda area: _place(area, window).iou(face), default=None)
        if again is None or _place(again, window).iou(face) < 0.3:
            return []
        areas[FACE] = (again,)
        # Hair is one part in several pieces, left and right of the face.
        areas["hair"] = _joined(areas["hair"])
        found = [
            Detection(part, _place(area, window), area.score, source=self.name)
            for part in PARTS
            for area in areas[part]
        ]
        # A smooth patch of the colour of skin has no features.
        seen = select_parts(found, _place(again, window), _FEATURES)
        trust = _TRUST[len(seen)]
        found = [
            replace(one, score=one.score * trust) if one.phrase == FACE else one for one in found
        ]
        return [one for one in found if one.phrase in phrases]

    def _look(self, image: Tensor, windows: Sequence[Box]) -> Tensor:
        if self._model is None:
            from .painted_model import load_part_detector

            self._model = load_part_detector()
        views = [cut(image, window, (SIDE, SIDE)) for window in windows]
        return self._model(torch.cat(views))


def search_windows(size: Size) -> tuple[Box, ...]:
    """Square windows over an image of `size` (H, W), large ones first, each overlapping the next.

    The first holds the whole image and may reach outside; at most 100 in all. A face fills 0.36
    to 0.61 of the side of one of them, and the model knows 0.36 to 0.85.
    """
    height, width = size
    longest, shortest = max(size), min(size)
    windows = [_square(width / 2, height / 2, longest)]
    side = float(shortest) if longest > shortest else shortest / _SCALES
    while side >= _LEAST_SIDE or side == shortest:
        rows, columns = (_starts(length, round(side)) for length in (height, width))
        if len(windows) + len(rows) * len(columns) > _MOST_WINDOWS:
            break
        windows += [Box(x, y, x + round(side), y + round(side)) for y in rows for x in columns]
        side /= _SCALES
    return tuple(windows)


def close_window(face: Box, size: Size) -> Box:
    """The square window in which `face` has its usual size and place, moved into the image."""
    height, width = size
    side = min(max(face.height, face.width, SIDE * _USUAL / 4) / _USUAL, max(size))
    x = face.center[0] + (0.5 - _CENTRE[0]) * side
    y = face.center[1] + (0.5 - _CENTRE[1]) * side
    window = _square(x, y, round(side))
    dx = min(max(window.x0, 0), max(width - window.width, 0)) - window.x0
    dy = min(max(window.y0, 0), max(height - window.height, 0)) - window.y0
    # A window larger than the image is centred on it, like the first one of the search.
    if window.width > width:
        dx = (width - window.width) // 2 - window.x0
    if window.height > height:
        dy = (height - window.height) // 2 - window.y0
    return window.shift(dx, dy)


def _square(x: float, y: float, side: int) -> Box:
    x0, y0 = round(x - side / 2), round(y - side / 2)
    return Box(x0, y0, x0 + side, y0 + side)


def _starts(length: int, side: int) -> list[int]:
    """Evenly spaced starts of windows at most 0.4 of their side apart."""
    room = max(length - side, 0)
    count = -(-5 * room // (2 * side)) + 1
    return [round(room * i / max(count - 1, 1)) for i in range(count)]


def _place(area: Area, window: Box) -> Box:
    """The area's box in the image's pixels."""
    return Box(
        round(window.x0 + area.x0 * window.width),
        round(window.y0 + area.y0 * window.height),
        round(window.x0 + area.x1 * window.width),
        round(window.y0 + area.y1 * window.height),
    )


def _plausible(area: Area) -> float:
    """How near an area comes to the usual size and place of a face in a window, in [0, 1]."""
    height = (area.y1 - area.y0) / _USUAL
    if height <= 0:
        return 0.0
    x, y = (area.x0 + area.x1) / 2 - _CENTRE[0], (area.y0 + area.y1) / 2 - _CENTRE[1]
    ratio = max(height, 1 / height)
    return 1.0 / (1.0 + 2.0 * (ratio - 1.0) ** 2 + 4.0 * (x * x + y * y))


def _cut(area: Area, window: Box, size: Size) -> bool:
    """Whether the area ends at a side of the window beyond which the image continues."""
    height, width = size
    return (
        (area.x0 < 0.02 and window.x0 > 0)
        or (area.y0 < 0.02 and window.y0 > 0)
        or (area.x1 > 0.98 and window.x1 < width)
        or (area.y1 > 0.98 and window.y1 < height)
    )


def _joined(areas: tuple[Area, ...]) -> tuple[Area, ...]:
    """One area around all that are not crumbs."""
    large = [area for area in areas if area.mass > 0.1]
    if not large:
        return ()
    mass = sum(area.mass for area in large)
    score = sum(area.score * area.mass for area in large) / mass
    x0, y0 = min(area.x0 for area in large), min(area.y0 for area in large)
    x1, y1 = max(area.x1 for area in large), max(area.y1 for area in large)
    return (Area(x0, y0, x1, y1, score, mass),)


def _shared(a: Box, b: Box) -> float:
    return a.intersect(b).area / max(min(a.area, b.area), 1)
