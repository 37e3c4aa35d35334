"""How good a set is: whether its people are different people, each of them one, in many pictures.

Uniqueness, consistency and diversity are those of DCFace (Kim et al. 2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from .grid import Axis
from .people import Band, Person
from .values import Picture, Sampled


def measures_of_set(
    sampled: Sequence[Sampled], axes: Sequence[Axis], band: Band, count: int, photos: Tensor
) -> dict[str, float]:
    """Plain numbers of a set of `count` pictures of each person; see docs/dataset.md.

    `photos (K, D)` are the mean directions of everybody's photos. NaN where there is nothing to
    measure.
    """
    made = [one for one in sampled if one.pictures]
    kept = sum(len(one.pictures) for one in made)
    tries = sum(one.figures["tries"] for one in sampled)
    vectors = [torch.tensor(one.vectors) for one in made]
    centres = [_centre(some) for some in vectors]
    near = [float((some @ one >= band.lower).float().mean())
            for some, one in zip(vectors, centres, strict=True)]  # fmt: skip
    full = [one for one in made if len(one.pictures) == count]
    return {
        "people": float(len(sampled)),
        "pictures": float(kept),
        "complete": len(full) / len(sampled) if sampled else math.nan,
        "paintings per picture": tries / kept if kept else math.nan,
        "likeness": _mean([p.cosine for one in made for p in one.pictures]),
        "host leak": _mean([one.figures["host"] for one in made]),
        "uniqueness": _unique(torch.stack(centres), band.stranger) if centres else math.nan,
        "uniqueness of the photos": _unique(photos, band.stranger),
        "consistency": _mean(near),
        "diversity": _mean([1 - float((some @ one).mean())
                            for some, one in zip(vectors, centres, strict=True)]),
        "most alike": max((p.alike for one in made for p in one.pictures), default=math.nan),
        "levels as asked": _mean([even(one.pictures, axes, count) for one in full]),
        **{f"{axis.name} read as asked": _read(made, axis.name) for axis in axes},
        **{f"{axis.name} read evenly": _evenly(made, axis) for axis in axes},
    }  # fmt: skip


def even(pictures: Sequence[Picture], axes: Sequence[Axis], count: int) -> float:
    """1 if each level of each axis is there as often as its quota says, within one; else 0."""
    for axis in axes:
        for level, (least, most) in axis.quota(count).items():
            times = sum(picture.asked.get(axis.name) == level for picture in pictures)
            if not least - 1 <= times <= most + 1:
                return 0.0
    return 1.0


def alike_people(
    people: Sequence[Person], sampled: Sequence[Sampled], stranger: float
) -> dict[str, str]:
    """Who is more like somebody else than a stranger is, in photos or pictures, and how much."""
    photos = torch.stack([person.centre for person in people])
    pictures = torch.stack([
        _centre(torch.tensor(one.vectors)) if one.pictures else torch.full_like(photo, math.nan)
        for photo, one in zip(photos, sampled, strict=True)
    ])  # fmt: skip
    found: dict[str, str] = {}
    for number, person in enumerate(people):
        # One by one: of many people all cosines at once take gigabytes.
        likeness = {"photos": photos @ photos[number], "pictures": pictures @ pictures[number]}
        most = torch.stack(list(likeness.values())).nan_to_num(-1).amax(dim=0)
        most[number] = -1.0
        others = most.argsort(descending=True)[: int((most >= stranger).sum())].tolist()
        if others:
            found[person.name] = "; ".join(_how_alike(people[n], likeness, n) for n in others[:3])
    return found


def _how_alike(other: Person, likeness: Mapping[str, Tensor], number: int) -> str:
    said = {what: float(some[number]) for what, some in likeness.items()}
    text = ", ".join(f"{what} {cosine:.2f}" for what, cosine in said.items() if cosine == cosine)
    return f"{other.name} ({text})"


def _centre(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.mean(dim=0), dim=0)


def _unique(centres: Tensor, stranger: float) -> float:
    """Share of people whose centre (K, D) is like nobody else's."""
    if len(centres) < 2:
        return math.nan
    alike = (centres @ centres.T).fill_diagonal_(-1.0)
    return float((alike.amax(dim=1) < stranger).float().mean())


def _read(made: Sequence[Sampled], axis: str) -> float:
    return _mean([
        float(picture.read[axis] == picture.asked[axis])
        for one in made for picture in one.pictures
        if axis in picture.read and axis in picture.asked
    ])  # fmt: skip


def _evenly(made: Sequence[Sampled], axis: Axis) -> float:
    read = [p.read[axis.name] for one in made for p in one.pictures if axis.name in p.read]
    return evenness([read.count(level) for level in sorted({*axis.levels, *read})])


def evenness(counts: Sequence[int]) -> float:
    """Entropy of how often each of several things was there: 0 = always one, 1 = all as often; NaN
    for nothing, or one thing alone."""
    total = sum(counts)
    if not total or len(counts) < 2:
        return math.nan
    shares = [count / total for count in counts if count]
    return max(-sum(one * math.log(one) for one in shares), 0.0) / math.log(len(counts))


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else math.nan


def reasons_of(sampled: Sequence[Sampled]) -> Mapping[str, int]:
    """How many paintings were rejected for which reason, the most frequent first."""
    counts: dict[str, int] = {}
    for one in sampled:
        for rejected in one.rejected:
            why = rejected.reason.partition(" (")[0]
            why = "a copy of another picture" if why.startswith("a copy of p") else why
            why = "like somebody else" if why.startswith("as like ") else why
            counts[why] = counts.get(why, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
