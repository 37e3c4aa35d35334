"""Which candidates of a detector are this face's parts.

A detector's best score is often the wrong box: the neighbour's eyes, a mouth taken for a nose, the
whole person for "glasses". A face's proportions tell: each candidate is weighed by its score, how
far it lies from where the part belongs, and how far its size is from what occurs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import NamedTuple

from ..attributes import Attribute
from ..errors import ConfigError, quoted
from ..masks import usable
from ..types import Box, Detection, Outline, Part, Size
from .base import FACE
from .config import FACE_ORDERS
from .priors import HALVES, LEVELS, PRIORS, Prior, bell, likelihood, together

_MIN_FACE = 12
"""Smaller faces, in pixels, hold no parts that could be told apart."""

_LEAST, _LEAST_ALONE = 0.02, 0.05
"""Candidates (halves without the other one) whose prior is below this are not the face's."""

_ALONE = 0.07
"""What a half counts without the other one."""

_MOST_TOGETHER = 5
"""How many candidates are tried of each part that is chosen together with others."""

_ONE_THING = 0.6
"""IoU from which the boxes of two parts show the same thing."""

_SAME, _SAME_HALF = 0.8, 0.5
"""Shares of the smaller box from which two candidates are one thing seen twice."""


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
    halves: tuple[Box, ...] = ()
    known: bool = False


def select_faces(
    detections: Sequence[Detection],
    size: Size,
    *,
    order: str = "largest",
    threshold: float = 0.0,
) -> tuple[Detection, ...]:
    """The faces among `detections` in an image of `size` (H, W): no duplicates, in `order`.

    `order` is one of FACE_ORDERS: sizes go by the area that is in the image, sides by the face's
    centre. Boxes stay as they are: of a face cut by the border the whole box tells the proportions.
    Faces of which less than a third is in the image are left out. Raises ConfigError for another
    order.
    """
    keys: dict[str, Callable[[Detection], float]] = {
        "largest": lambda face: -face.box.clip(size).area,
        "left-to-right": lambda face: face.box.center[0],
        "score": lambda face: -face.score,
        "smallest": lambda face: face.box.clip(size).area,
        "right-to-left": lambda face: -face.box.center[0],
        "top-to-bottom": lambda face: face.box.center[1],
        "bottom-to-top": lambda face: -face.box.center[1],
    }
    if order not in keys:
        raise ConfigError(
            f"unknown face order {quoted(order)}; use one of {', '.join(FACE_ORDERS)}"
        )
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

    Eyes, eyebrows, nose and mouth are chosen together, so that their levels fit, and nothing is
    taken for two parts (glasses may lie where the eyes are). Left and right halves of a pair
    are joined; one box around both is taken as it is; a single half only if there is nothing else
    (a head in profile). `face` itself is a legal attribute.
    """
    weighed: dict[str, list[_Weighed]] = {}
    pairs: list[_Weighed] = []
    for one in table:
        asked = [found for found in detections if found.phrase == one.name]
        if one.name == FACE:
            same = [found for found in asked if found.box.iou(face) > 0.9]
            best = max(same, key=lambda found: found.score, default=Detection(FACE, face, 1.0))
            weighed[FACE] = [_Weighed(face, best.score, 1.0, False, best.outlines)]
            continue
        candidates = _distinct(_weigh(asked, face, PRIORS.get(one.name)), _SAME)
        if one.name in HALVES:
            joined = _known_pair(asked, face) or _join_halves(asked, face, one.name)
            pairs = joined if one.name == "eyes" else pairs
            candidates = [_doubted(found, joined) for found in candidates] + joined
        if candidates:
            weighed[one.name] = sorted(
                candidates, key=lambda found: (found.weight, found.score, found.box), reverse=True
            )
    chosen = _choose(weighed, face)
    while (lost := _seen_twice(chosen, face)) is not None:
        # The same thing cannot be two parts: the one it suits less has to look elsewhere.
        weighed[lost] = [one for one in weighed[lost] if one != chosen[lost]]
        chosen = _choose({name: some for name, some in weighed.items() if some}, face)
    parts = tuple(
        Part(name, one.box, one.score, None, one.estimated, one.outlines)
        for name in (one.name for one in table)
        if (one := chosen.get(name)) is not None
    )
    return Selection(parts, _roll_of(chosen.get("eyes"), pairs))


def _choose(weighed: dict[str, list[_Weighed]], face: Box) -> dict[str, _Weighed]:
    """The likeliest of each part; of those whose levels hang together, the likeliest together."""
    chosen = {name: candidates[0] for name, candidates in weighed.items()}
    names = [name for name in LEVELS if name in weighed]
    best = 0.0
    for some in product(*(weighed[name][:_MOST_TOGETHER] for name in names)):
        levels = {name: one.box.center[1] for name, one in zip(names, some, strict=True)}
        weight = math.prod(one.weight for one in some) * together(levels, face)
        if weight > best:
            best = weight
            chosen |= zip(names, some, strict=True)
    return chosen


def _seen_twice(chosen: dict[str, _Weighed], face: Box) -> str | None:
    """The name of a part that lies where another part is and fits there less well."""
    for (a, one), (b, other) in combinations(chosen.items(), 2):
        if FACE in (a, b) or {a, b} == {"eyes", "glasses"} or (one.known and other.known):
            continue
        if one.box.iou(other.box) > _ONE_THING:
            fits = [likelihood(one.box, face, PRIORS.get(name)) for name in (a, b)]
            return a if fits[0] < fits[1] else b
    return None


def _roll_of(eyes: _Weighed | None, pairs: Sequence[_Weighed]) -> float | None:
    """The roll of the eyes; of a box around both, that of the likeliest pair that it holds."""
    if eyes is None or eyes.roll is not None:
        return None if eyes is None else eyes.roll
    near = [one for one in pairs if one.roll is not None and one.box.iou(eyes.box) >= 0.5]
    return max(near, key=lambda one: one.weight).roll if near else None


def _weigh(detections: Sequence[Detection], face: Box, prior: Prior | None) -> list[_Weighed]:
    weighed = []
    for one in detections:
        likely = likelihood(one.box, face, prior)
        if one.face is not None:
            # Its detector knows whose part it is, however the head is turned.
            likely = float(one.face == face)
        if likely >= _LEAST:
            weight = one.score * likely
            known = one.face is not None
            weighed.append(
                _Weighed(one.box, one.score, weight, one.estimated, one.outlines, known=known)
            )
    return weighed


def _known_pair(detections: Sequence[Detection], face: Box) -> list[_Weighed]:
    """The two halves of a pair by a detector that knows whose they are, joined."""
    halves = [one for one in detections if one.face == face and len(one.outlines) == 1]
    if len(halves) != 2:
        return []
    a, b = sorted(
        (_Weighed(one.box, one.score, one.score, one.estimated, one.outlines) for one in halves),
        key=lambda one: (one.box.center, one.box),
    )
    outlines, pair = (*a.outlines, *b.outlines), (a.box, b.box)
    box, guessed = a.box.join(b.box), a.estimated or b.estimated
    return [_Weighed(box, a.score, a.score, guessed, outlines, _roll(a, b), pair, True)]


def _join_halves(detections: Sequence[Detection], face: Box, name: str) -> list[_Weighed]:
    """Joined pairs, and lone halves at a fraction of their weight."""
    left = HALVES[name]
    right = Prior(1 - left.x, left.y, left.dx, left.dy, left.width, left.height, left.reach)
    lefts = _distinct(_weigh(detections, face, left), _SAME_HALF)
    rights = _distinct(_weigh(detections, face, right), _SAME_HALF)
    alone = [one for one in (*lefts, *rights) if one.weight >= _LEAST_ALONE * one.score]
    joined = [one._replace(weight=_ALONE * one.weight) for one in alone]
    for a, b in product(lefts, rights):
        if a.box.center[0] >= b.box.center[0] or _overlap(a.box, b.box) > 0.3:
            continue
        box = a.box.join(b.box)
        alike = min(a.box.area, b.box.area) / max(a.box.area, b.box.area)
        level = abs(a.box.center[1] - b.box.center[1]) / face.height
        fit = math.sqrt(alike) * bell(level / 0.12) * likelihood(box, face, PRIORS[name])
        score = (a.score + b.score) / 2
        # The geometric mean of two weights counts like the weight of one box.
        weight = math.sqrt(a.weight * b.weight) * math.sqrt(fit)
        if fit >= _LEAST:
            # Outlines only if they tell the whole part.
            outlines = (*a.outlines, *b.outlines) if a.outlines and b.outlines else ()
            guessed = a.estimated or b.estimated
            pair = (a.box, b.box)
            joined.append(_Weighed(box, score, weight, guessed, outlines, _roll(a, b), pair))
    return joined


def _doubted(one: _Weighed, joined: Sequence[_Weighed]) -> _Weighed:
    """A candidate for the whole that is one half of a pair, as it looks in a turned head."""
    halves = [half for pair in joined for half in pair.halves]
    if any(one.box.iou(half) > 0.5 for half in halves):
        return one._replace(weight=_ALONE * one.weight)
    return one


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
    outlines = usable(one.outlines)
    if len(outlines) != 1:
        return one.box.center
    xs, ys = zip(*outlines[0], strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _overlap(a: Box, b: Box) -> float:
    """Shared area by the smaller box: 1 for a box inside the other."""
    return a.intersect(b).area / max(min(a.area, b.area), 1)
