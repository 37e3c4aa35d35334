"""A learned person in place of somebody else, whose expression and hair stay: is it the person, by
the face alone, and does everything else stay the target's?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.evaluation import face_crop
from facea_core.seeds import seeded
from facea_core.synthetic.captions import describe_part
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import (
    HAIR_STYLES,
    IDENTITY,
    labels,
    sample_people,
    sample_scenes,
)
from facea_core.synthetic.render import paint
from facea_core.types import Box, Identity

from ..likeness.journal import Row
from ..likeness.subjects import UNSEEN, expression_labels, expression_words
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown
from .bounds import put_inside


@dataclass(frozen=True)
class Arm:
    """A recipe: settings of composing, what of the target the prompt says ("hair" and
    "expression"), and whether something lies in front of the face."""

    about: str
    settings: Mapping[str, float]
    said: Sequence[str] = ()
    covered: bool = False


_TOLD = ("hair", "expression")
_OUTLINE: Mapping[str, float] = {"grow": 0.0, "context_factor": 2.0}
_FACE: Mapping[str, float] = {**_OUTLINE, "neck": 0.0}

ARMS: Mapping[str, Arm] = {
    "usual": Arm("a mask that reaches beyond the face", {"denoise": 0.7}),
    "outline": Arm("no growth of the mask", {"denoise": 0.7, "grow": 0.0}),
    "said": Arm(
        "the same, hair and expression of the target said", {"denoise": 0.7, **_OUTLINE}, _TOLD
    ),
    "told": Arm("the same without the neck", {"denoise": 0.7, **_FACE}, _TOLD),
    "less": Arm("… and less of it repainted", {"denoise": 0.35, **_FACE}, _TOLD),
    "kept": Arm(
        "as told, with a microphone in front that is kept", {"denoise": 0.7, **_FACE}, _TOLD,
        covered=True,
    ),
}  # fmt: skip

BOUNDS: Mapping[str, str] = {
    "target": "nothing is repainted",
    "inside": "the answer through the autoencoder, put into the picture as told does it",
    "answer": "the painter's own picture of the person with the target's hair",
}

MEASURES: Mapping[str, str] = {
    "nearest": "share in which the person is the nearest of 200 who all have the target's hair",
    "own_hair": "the same, among 200 with their own hair",
    "expression": "share of right answers about the target's smile and open mouth, by the probe",
    "hair": "share of right answers about the target's hair style and colour",
    "outside": "largest change outside the mask and of what is in front of the face",
}

_HAIR = [IDENTITY.index(name) for name in ("hair_style", "hair_colour", "hair_shade", "hairline")]
_OTHERS, _TOGETHER = 198, 40
_BALL, _STICK = 0.16, 0.06
"""Of a microphone: the radius of its head, and half of its handle's width, in face widths."""


@dataclass(frozen=True, eq=False)
class SwapHost:
    """Somebody whose face is to be the person's, `before`, and the `answer`: the person in the same
    scene with that hair.

    `people (200, IDENTITY_SIZE)` are the person, the target and others of their sex, and
    `elsewhere` is another scene, in which they are known.
    """

    before: Painting
    answer: Painting
    people: Tensor
    elsewhere: Tensor

    @property
    def with_hair(self) -> Tensor:
        """All with the target's hair."""
        people = self.people.clone()
        people[:, _HAIR] = self.before.people[:, _HAIR]
        return people


def swap_hosts(number: int, count: int, size: int) -> list[SwapHost]:
    """Of person `number` of the benchmarks. Same numbers, same bytes; the first are the same for
    any `count`."""
    person = sample_people(1, seeded(UNSEEN + number))
    generator, gender = seeded(UNSEEN + number + (1 << 24)), IDENTITY.index("gender")
    found = []
    for _ in range(count):
        others, scenes = sample_people(1 + _OTHERS, generator), sample_scenes(2, generator)
        others[:, gender] = person[:, gender]
        swapped = person.clone()
        swapped[:, _HAIR] = others[:1, _HAIR]
        before, answer = (paint(one, scenes[:1], size) for one in (others[:1], swapped))
        found.append(SwapHost(before, answer, torch.cat([person, others]), scenes[1:]))
    return found


def microphone(face: Box, size: int) -> Tensor:
    """Its mask (1, 1, size, size), in front of the chin, from the lower edge upwards."""
    line = torch.arange(size) + 0.5
    x, y = line - face.center[0], line.view(-1, 1) - face.y1
    ball = (x.square() + y.square()).sqrt() < _BALL * face.width
    stick = (x.abs() < _STICK * face.width) & (y > 0)
    return (ball | stick).float().view(1, 1, size, size)


def paint_swaps(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each target, by every recipe with the same noise."""
    size, number = bench.backbone.spec.resolution, bench.number(index)
    for k, host in enumerate(swap_hosts(number, bench.flags.hosts, size)):
        missing = [arm for arm in (*ARMS, *BOUNDS) if wanted(arm, k)]
        if not missing:
            continue
        known = {"nearest": host.with_hair, "own_hair": host.people}
        galleries = {name: _vectors(bench, people, host, size) for name, people in known.items()}
        for name in missing:
            image, outside = host.before.image, nan
            if name == "answer":
                image = host.answer.image
            elif name == "inside":
                config = _config(ARMS["told"], 0)
                target = TargetFace(_mask(bench, image, config))
                image = put_inside(image, host.answer.image, [target], bench.backbone, config)
            elif name in ARMS:
                seed = 1000 * number + k
                image, outside = _swapped(bench, ARMS[name], host, bench.learned(index), seed)
            yield Painted(
                name, k, image, {**_measured(bench, host, image, galleries), "outside": outside}
            )


def _swapped(
    bench: Bench, arm: Arm, host: SwapHost, identity: Identity, seed: int
) -> tuple[Tensor, float]:
    """The picture, and the largest change where there should be none."""
    image, keep = host.before.image, None
    if arm.covered:
        keep = microphone(Box(*host.before.boxes[0]["face"]), image.shape[-1])
        image = image * (1 - keep) + 0.15 * keep
    config = _config(arm, seed)
    said = {"hair": [describe_part(host.before.people[0], "hair")],
            "expression": expression_words(host.before.scenes)}  # fmt: skip
    asked = ", ".join([identity.meta.prompt, *(text for kind in arm.said for text in said[kind])])
    target = TargetFace(_mask(bench, image, config), identity, asked, keep=keep)
    made = compose_identity(image, [target], bench.backbone, config)
    still = (made.mask == 0) if keep is None else (made.mask == 0) | (keep > 0)
    return made.image, float(((made.image - image).abs() * still).max())


def _config(arm: Arm, seed: int) -> ComposeConfig:
    settings: Mapping[str, Any] = arm.settings
    return ComposeConfig(hair=False, seed=seed, **settings)


def _mask(bench: Bench, image: Tensor, config: ComposeConfig) -> Tensor:
    (face,) = detect_attributes([image], bench.detector, DetectConfig("face"))
    assert face is not None  # without a face there is an error
    return face_mask(face, config)


@torch.no_grad()
def _vectors(bench: Bench, people: Tensor, host: SwapHost, size: int) -> Tensor:
    """Unit vectors (N, 64) of people, each in a picture in the other scene."""
    found = []
    for some in people.split(_TOGETHER):
        painted = paint(some, host.elsewhere.expand(len(some), -1), size)
        pairs = zip(painted.image.split(1), painted.boxes, strict=True)
        crops = [face_crop(image, Box(*boxes["face"]), 64) for image, boxes in pairs]
        found.append(bench.probe.encoder(torch.cat(crops)))
    return torch.cat(found)


@torch.no_grad()
def _measured(
    bench: Bench, host: SwapHost, image: Tensor, galleries: Mapping[str, Tensor]
) -> dict[str, float]:
    crop = face_crop(image, Box(*host.answer.boxes[0]["face"]), 64)
    seen, vector = bench.probe.look(crop).classes, bench.probe.encoder(crop)[0]
    given, scene = labels(host.before.people), host.before.scenes
    hair = {name: int(given[name]) for name in ("hair_style", "hair_colour")}
    if hair["hair_style"] == HAIR_STYLES.index("bald"):
        del hair["hair_colour"]
    truth = {
        "expression": expression_labels(scene),
        "hair": hair,
    }
    right = {
        kind: fmean(float(int(seen[name].argmax()) == label) for name, label in asked.items())
        for kind, asked in truth.items()
    }
    nearest = {name: float(int((some @ vector).argmax()) == 0) for name, some in galleries.items()}
    return {**nearest, **right}


def table(rows: Sequence[Row]) -> str:
    """Each recipe's measures over people."""
    abouts = {**{name: arm.about for name, arm in ARMS.items()}, **BOUNDS}
    lines = []
    for arm, about in abouts.items():
        some = [row for row in rows if row["arm"] == arm]
        if not some:
            continue
        cells = [f"{arm}: {about}"]
        for name in MEASURES:
            if name == "outside":
                changes = [row[name] for row in some if not isnan(row[name])]
                cells.append(f"{max(changes):.3g}" if changes else "–")
            else:
                cells.append(shown(by_person(some, arm, _mean(name))))
        lines.append(cells)
    return markdown(["Arm", *MEASURES], lines)


def _mean(measure: str):
    return lambda rows: fmean(row[measure] for row in rows)


TASK = Task(paint_swaps, table)
