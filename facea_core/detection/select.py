"""Which candidates of a detector are this face's parts.

A detector's best score is often the wrong box: the neighbour's eyes, a mouth taken for a nose, the
whole person for "glasses". A face's proportions tell: each candidate is weighed by its score, how
far it lies from where the part belongs, and how far its size is from what occurs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from ..attributes import Attribute
from ..errors import ConfigError
from ..types import Box, Detection, Outline, Part, Size
from .base import FACE

FACE_ORDERS = ("largest", "left-to-right", "score")

_MIN_FACE = 12
"""Smaller faces, in pixels, hold no parts that could be told apart."""

_LEAST = 0.02
"""Candidates whose prior is below this do not belong to the face."""

_SAME, _SAME_HALF = 0.8, 0.5
"""Shares of the smaller box from which two candidates are one thing seen twice."""


@dataclass(frozen=True)
class Prior:
    """Where a part belongs and how large it is, in units of the face box's width and height.

    `x`, `y` is the usual centre (0, 0 = the box's top left) and `dx`, `dy` its standard deviation;
    `width` and `height` are the ranges that occur. `reach`: a part lies inside the face box grown
    by this factor.
    """

    x: float
    y: float
    dx: float
    dy: float
    width: tuple[float, float]
    height: tuple[float, float]
    reach: float = 1.2


# Measured on painted faces and on 68-point landmarks of photographs, widened for turned heads.
PRIORS: dict[str, Prior] = {
    "eyes": Prior(0.50, 0.38, 0.10, 0.10, (0.50, 1.00), (0.06, 0.40)),
    "eyebrows": Prior(0.50, 0.22, 0.10, 0.10, (0.45, 1.05), (0.02, 0.34)),
    "nose": Prior(0.50, 0.53, 0.13, 0.09, (0.10, 0.48), (0.14, 0.50)),
    "mouth": Prior(0.50, 0.79, 0.13, 0.09, (0.20, 0.70), (0.04, 0.34)),
    "hair": Prior(0.50, 0.18, 0.10, 0.24, (0.90, 2.10), (0.30, 2.00), reach=2.6),
    "beard": Prior(0.50, 0.82, 0.12, 0.14, (0.30, 1.10), (0.12, 0.75), reach=1.5),
    "ears": Prior(0.50, 0.45, 0.12, 0.12, (0.90, 1.50), (0.10, 0.50), reach=1.6),
    "glasses": Prior(0.50, 0.38, 0.10, 0.10, (0.55, 1.25), (0.12, 0.48), reach=1.4),
}
"""By attribute name. One without an entry is weighed by its score alone, inside the face."""

# One half of a pair as seen in the picture: the left one; the right one mirrors it.
HALVES: dict[str, Prior] = {
    "eyes": Prior(0.27, 0.38, 0.08, 0.10, (0.10, 0.42), (0.05, 0.34)),
    "eyebrows": Prior(0.27, 0.22, 0.08, 0.10, (0.12, 0.50), (0.02, 0.32)),
    "ears": Prior(0.00, 0.45, 0.12, 0.12, (0.04, 0.35), (0.10, 0.50), reach=1.6),
}


class Selection(NamedTuple):
    """The parts of a face, and how far its eyes are turned from level, as `FaceAttributes.roll`."""

    parts: tuple[Part, ...]
    roll: float | None = None


class _Weighed(NamedTuple):
    box: Box
    score: float
    weight: float
    estimated: bool
    outlines: tuple[Outline, ...] = ()
    roll: float | None = None


def select_faces(
    detections: Sequence[Detection],
    size: Size,
    *,
    order: str = "largest",
    threshold: float = 0.0,
) -> tuple[Detection, ...]:
    """The faces among `detections` in a picture of `size` (H, W): no duplicates, in `order`.

    `order` is "largest" (visible area), "left-to-right" (centre) or "score". Boxes stay as they
    are: of a face cut by the border the whole box tells the proportions. Faces of which less than a
    third is in the picture are left out. Raises ConfigError for another order.
    """
    keys: dict[str, Callable[[Detection], float]] = {
        "largest": lambda face: -face.box.clip(size).area,
        "left-to-right": lambda face: face.box.center[0],
        "score": lambda face: -face.score,
    }
    if order not in keys:
        raise ConfigError(f"unknown face order {order!r}; use one of {', '.join(FACE_ORDERS)}")
    found: list[Detection] = []
    for face in sorted(detections, key=lambda face: (-face.score, face.box)):
        if face.phrase != FACE or face.score < threshold:
            continue
        box, visible = face.box, face.box.clip(size)
        if min(visible.width, visible.height) < _MIN_FACE or 3 * visible.area < box.area:
            continue
        if not 0.3 < box.width / box.height < 3:
            continue
        if all(_overlap(box, other.box) < 0.5 for other in found):
            found.append(face)
    return tuple(sorted(found, key=lambda face: (keys[order](face), face.box)))


def select_parts(
    detections: Sequence[Detection], face: Box, table: Sequence[Attribute]
) -> tuple[Part, ...]:
    """The parts alone of `select`."""
    return select(detections, face, table).parts


def select(detections: Sequence[Detection], face: Box, table: Sequence[Attribute]) -> Selection:
    """At most one part per attribute of `table`, in its order: the likeliest inside this face.

    Left and right halves of a pair are joined; one box around both is taken as it is; a single half
    only if there is nothing else (a head in profile). `face` itself is a legal attribute.
    """
    parts, roll = [], None
    for attribute in table:
        asked = [one for one in detections if one.phrase == attribute.phrase]
        if attribute.name == FACE:
            same = [one for one in asked if one.box.iou(face) > 0.9]
            best = max(same, key=lambda one: one.score, default=Detection(FACE, face, 1.0))
            parts.append(Part(FACE, face, best.score, outlines=best.outlines))
            continue
        candidates = _distinct(_weigh(asked, face, PRIORS.get(attribute.name)), _SAME)
        pairs = _join_halves(asked, face, attribute.name) if attribute.name in HALVES else []
        if not candidates and not pairs:
            continue
        best = max((*candidates, *pairs), key=lambda one: (one.weight, one.score, one.box))
        if attribute.name == "eyes":
            # A box around both eyes says nothing of how they lie; the two inside it do.
            rolls = [one for one in (best, *pairs) if one.roll is not None]
            near = [one for one in rolls if one.box.iou(best.box) >= 0.5]
            roll = max(near, key=lambda one: one.weight).roll if near else None
        part = Part(attribute.name, best.box, best.score, None, best.estimated, best.outlines)
        parts.append(part)
    return Selection(tuple(parts), roll)


def _weigh(detections: Sequence[Detection], face: Box, prior: Prior | None) -> list[_Weighed]:
    weighed = []
    for one in detections:
        likely = _likelihood(one.box, face, prior)
        if likely >= _LEAST:
            weight = one.score * likely
            weighed.append(_Weighed(one.box, one.score, weight, one.estimated, one.outlines))
    return weighed


def _join_halves(detections: Sequence[Detection], face: Box, name: str) -> list[_Weighed]:
    """Joined pairs, and lone halves at a tenth of their weight."""
    left = HALVES[name]
    right = Prior(1 - left.x, left.y, left.dx, left.dy, left.width, left.height, left.reach)
    lefts = _distinct(_weigh(detections, face, left), _SAME_HALF)
    rights = _distinct(_weigh(detections, face, right), _SAME_HALF)
    joined = [one._replace(weight=0.1 * one.weight) for one in (*lefts, *rights)]
    for a, b in product(lefts, rights):
        if a.box.center[0] >= b.box.center[0] or _overlap(a.box, b.box) > 0.3:
            continue
        box = a.box.join(b.box)
        alike = min(a.box.area, b.box.area) / max(a.box.area, b.box.area)
        level = abs(a.box.center[1] - b.box.center[1]) / face.height
        fit = math.sqrt(alike) * _bell(level / 0.12) * _likelihood(box, face, PRIORS[name])
        score = (a.score + b.score) / 2
        # The geometric mean of two weights counts like the weight of one box.
        weight = math.sqrt(a.weight * b.weight) * math.sqrt(fit)
        if fit >= _LEAST:
            # Outlines only if they tell the whole part.
            outlines = (*a.outlines, *b.outlines) if a.outlines and b.outlines else ()
            guessed = a.estimated or b.estimated
            joined.append(_Weighed(box, score, weight, guessed, outlines, _roll(a, b)))
    return joined


def _likelihood(box: Box, face: Box, prior: Prior | None) -> float:
    """How well a box fits a prior, in [0, 1]; 0 if it leaves the region where the part can be."""
    if box.area == 0 or face.area == 0:
        return 0.0
    region = face.grow(prior.reach if prior else 1.2)
    if box.intersect(region).area < 0.7 * box.area:
        return 0.0
    if prior is None:
        return 1.0
    x = (box.center[0] - face.x0) / face.width
    y = (box.center[1] - face.y0) / face.height
    position = _bell((x - prior.x) / prior.dx) * _bell((y - prior.y) / prior.dy)
    width = _range(box.width / face.width, prior.width)
    height = _range(box.height / face.height, prior.height)
    return position * width * height


def _bell(deviations: float) -> float:
    return math.exp(-0.5 * deviations * deviations)


def _range(value: float, limits: tuple[float, float]) -> float:
    """1 within the limits, falling off on a scale of ratios outside."""
    low, high = limits
    if low <= value <= high:
        return 1.0
    return _bell(math.log(value / (low if value < low else high)) / 0.25)


def _distinct(weighed: list[_Weighed], most: float) -> list[_Weighed]:
    """Non-maximum suppression: without those that share more than `most` with a weightier one."""
    kept: list[_Weighed] = []
    for one in sorted(weighed, key=lambda one: (-one.weight, one.box)):
        if all(_overlap(one.box, other.box) < most for other in kept):
            kept.append(one)
    return kept


def _roll(left: _Weighed, right: _Weighed) -> float:
    """Degrees by which the line through two eyes is turned clockwise from level."""
    (x0, y0), (x1, y1) = (_middle(one) for one in (left, right))
    return round(math.degrees(math.atan2(y1 - y0, x1 - x0)), 2)


def _middle(one: _Weighed) -> tuple[float, float]:
    """Of the outline, which is finer than whole pixels, else of the box."""
    if len(one.outlines) != 1:
        return one.box.center
    xs, ys = zip(*one.outlines[0], strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _overlap(a: Box, b: Box) -> float:
    """Shared area by the smaller box: 1 for a box inside the other."""
    return a.intersect(b).area / max(min(a.area, b.area), 1)
