"""One photo of three shows what is not the person's, glasses or no colours: does its caption keep
that out of the person?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor

from facea_core.audit import COLOURLESS, captioned
from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.demo import HAIR_ROOM
from facea_core.evaluation import face_crop
from facea_core.identity.subject import Subject as Named
from facea_core.identity_store.store import train_once
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import GLASSES as KINDS
from facea_core.synthetic.parameters import IDENTITY, sample_people, sample_scenes
from facea_core.synthetic.render import paint as render
from facea_core.types import Identity

from ..likeness.journal import Row
from ..likeness.subjects import (
    HELDOUT,
    PHOTOS,
    UNSEEN,
    Scene,
    Subject,
    known_photos,
    searched_photos,
)
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

MEASURES: Mapping[str, str] = {
    "shown": "how sure the probe is of glasses; or the share of the colours that is missing",
    "likeness": "to photos of the person that were not learned from, cosine",
}

_NONE, _WORN = 0.3, {1: 0.73, 2: 0.91}
"""The painter's number for no glasses, and for the kinds that `KINDS` names."""

_ODD = 1
"""Number of the photo that is unlike the others."""


@dataclass(frozen=True)
class Arm:
    """What the odd photo shows, what is done about it, and whether the prompt asks for it."""

    odd: str
    how: str
    asked: bool = False


GLASSES = "glasses"
PLAIN, NAMED, LEFT_OUT = "not named", "named", "left out"
ARMS: Mapping[str, Arm] = {
    f"{odd}, {how}{', asked for' if asked else ''}": Arm(odd, how, asked)
    for odd in (GLASSES, COLOURLESS)
    for how, asked in (
        (PLAIN, False), (PLAIN, True), (NAMED, False), (NAMED, True), (LEFT_OUT, False)
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Odd:
    """A subject whose photos are not all alike, and the words for what one of them shows."""

    subject: Subject
    words: str


def odd_subject(bench: Bench, index: int, odd: str) -> Odd:
    """Person `index` of the bench, without glasses of their own where glasses are odd."""
    subject = bench.subject(index)
    if odd == COLOURLESS:
        images = torch.cat([photo.image for photo in subject.photos])
        images[_ODD] = images[_ODD].mean(dim=0, keepdim=True)
        return Odd(replace(subject, photos=searched_photos(images, bench.detector)), COLOURLESS)
    number, size = bench.number(index), bench.backbone.spec.resolution
    generator, column, kind = seeded(UNSEEN + number), IDENTITY.index("glasses"), 1 + number % 2
    person = sample_people(1, generator)
    around = sample_scenes(PHOTOS + HELDOUT, generator)
    person[:, column] = _NONE
    people = person.repeat(PHOTOS, 1)
    people[_ODD, column] = _WORN[kind]
    photos = searched_photos(render(people, around[:PHOTOS], size).image, bench.detector)
    heldout = known_photos(person, around[PHOTOS:], size)
    return Odd(replace(subject, photos=photos, heldout=heldout), f"{KINDS[kind]} {GLASSES}")


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each scene of the person, in every arm with the same noise."""
    for odd in (GLASSES, COLOURLESS):
        arms = {name: arm for name, arm in ARMS.items() if arm.odd == odd}
        scenes = range(bench.flags.hosts)
        if not any(wanted(name, k) for name in arms for k in scenes):
            continue
        one = odd_subject(bench, index, odd)
        people = {how: _learned(bench, index, one, how) for how in (PLAIN, NAMED, LEFT_OUT)}
        for k, scene in enumerate(one.subject.scenes):
            for name, arm in arms.items():
                if not wanted(name, k):
                    continue
                identity, seed = people[arm.how], 1000 * bench.number(index) + k
                config = ComposeConfig(hair_room=HAIR_ROOM, seed=seed)
                face = TargetFace(face_mask(scene.target, config), identity)
                said = (identity.meta.prompt, one.words if arm.asked else "", scene.prompt)
                prompt = ", ".join(text for text in said if text)
                image = compose_identity(scene.image, [face], bench.backbone, config, prompt).image
                likeness = bench.judge(one.subject, scene, image)["heldout"]
                yield Painted(name, k, image, {
                    "shown": _shown(bench, odd, scene, image), "likeness": likeness,
                })  # fmt: skip


def _learned(bench: Bench, index: int, one: Odd, how: str) -> Identity:
    photos, name = one.subject.photos, f"person-{index}"
    if how == NAMED:
        photos = captioned(photos)
    elif how == LEFT_OUT:
        photos = [photo for n, photo in enumerate(photos) if n != _ODD]
    folder = bench.flags.out / "identities" / f"{name}-odd"
    return train_once(
        photos, bench.backbone, replace(bench.config, seed=bench.number(index)), folder,
        folder / "runs", Named(name, one.subject.noun),
    ).identity  # fmt: skip


@torch.no_grad()
def _shown(bench: Bench, odd: str, scene: Scene, image: Tensor) -> float:
    if odd == GLASSES:
        answers = bench.probe.look(face_crop(image, scene.face, 64)).classes[GLASSES][0]
        return 1 - float(answers.softmax(dim=0)[0])
    assert scene.answer is not None  # a painter's scene has one
    made, answer = (_colour(one, scene) for one in (image, scene.answer))
    return 1 - made / answer


def _colour(image: Tensor, scene: Scene) -> float:
    """How far the channels lie apart in the face, as a mean."""
    apart = image.amax(dim=1, keepdim=True) - image.amin(dim=1, keepdim=True)
    return float(apart[face_mask(scene.target) > 0.9].mean())


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, and how far they are from those of nothing done."""
    means = {
        (arm, name): by_person(rows, arm, lambda some, n=name: fmean(row[n] for row in some))
        for arm in ARMS
        for name in MEASURES
    }
    lines = []
    for arm, one in ARMS.items():
        if not means[arm, "shown"]:
            continue
        cells = [arm, *(shown(means[arm, name]) for name in MEASURES)]
        plain = arm.replace(one.how, PLAIN)
        for name in MEASURES:
            change = "–"
            if plain != arm:
                change = shown(difference(means[arm, name], means[plain, name]))
            cells.append(change)
        lines.append(cells)
    changes = [f"{name}, change" for name in MEASURES]
    return markdown(["Arm", *MEASURES, *changes], lines)


TASK = Task(paint, table)
