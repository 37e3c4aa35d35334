"""Eyes of one, mouth of another, the rest of a third in a picture: truth, arms, measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.composing import (
    ComposeConfig,
    Crop,
    Find,
    TargetFace,
    compose_faces,
    compose_identity,
    face_mask,
    inpaint,
    mixed_faces,
)
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.evaluation import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.identity import apply_identity, mix_people
from facea_core.seeds import seeded
from facea_core.selection import part_finder
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import IDENTITY, labels, sample_people, sample_scenes
from facea_core.synthetic.render import paint
from facea_core.types import Box, FaceAttributes, Identity

from ..likeness.journal import Row
from ..likeness.metrics import PARTS
from ..likeness.subjects import UNSEEN
from ..likeness.tables import difference, ratio
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown
from .bounds import put_inside
from .truth import COLUMNS, chimera

ROLES = ("rest", "eyes", "mouth")
WHOSE: Mapping[str, str] = {"eyes": "eyes", "mouth": "mouth", "nose": "rest", "hair": "rest"}
"""Part of the probe's questions -> the role of the person it is asked of."""

ARMS: Mapping[str, str] = {
    "stacked": "three LoRAs added up, and one prompt with the words of the parts asked of each",
    "in turn": "the head of the rest, then the parts of the others: what FaceA does",
    "chimera": "the exact answer through the autoencoder: the ceiling",
}

OURS, RIVAL, CEILING = "in turn", "stacked", "chimera"

MEASURES: Mapping[str, str] = {
    "exact": "share of eyes, mouth, nose and hair with every question answered as of their person",
    "mixed": "the same of eyes and mouth",
    "confusion": "share of eyes and mouths that read more like another of the three; 0 is best",
}


@dataclass(frozen=True, eq=False)
class MixHost:
    """Somebody else's picture, the three mixed in it, and everyone's labels by role."""

    before: Painting
    answer: Painting
    truth: Mapping[str, Mapping[str, int]]


def cast(first: int, people: int) -> list[dict[str, int]]:
    """Who of people `first` and on has which role, by number from 0: each is the rest once.

    Whoever wears glasses shows no eyes, and is only asked for a mouth.
    """
    seen = [int(labels(_person(first + n))["glasses"]) == 0 for n in range(people)]
    found = []
    for rest in range(people):
        others = [(rest + step) % people for step in range(1, people)]
        eyes = next((n for n in others if seen[n]), None)
        mouth = next((n for n in others if n != eyes), None)
        if seen[rest] and eyes is not None and mouth is not None:
            found.append({"rest": rest, "eyes": eyes, "mouth": mouth})
    return found


def mix_hosts(first: int, roles: Mapping[str, int], count: int, size: int) -> list[MixHost]:
    """Pictures of others, and of the mix in the same scenes. Same numbers, same bytes."""
    three = {role: _person(first + number) for role, number in roles.items()}
    mixed = chimera(three["rest"], three["eyes"], ["eyes"])
    mixed = chimera(mixed, three["mouth"], ["mouth"])
    generator, found = seeded(UNSEEN + first + roles["rest"] + (1 << 21)), []
    gender = IDENTITY.index("gender")
    for _ in range(count):
        other, scene = sample_people(1, generator), sample_scenes(1, generator)
        other[:, gender] = mixed[:, gender]
        truth = {
            role: {name: int(label) for name, label in labels(one).items()}
            for role, one in three.items()
        }
        found.append(MixHost(paint(other, scene, size), paint(mixed, scene, size), truth))
    return found


def painted(
    arm: str,
    people: Mapping[str, Identity],
    host: MixHost,
    face: FaceAttributes,
    backbone: Backbone,
    find: Find,
    seed: int,
) -> Tensor:
    """The host's picture `(1, 3, H, W)` with the people of the ROLES in it, in the way of the arm.

    `face` is what was found in the picture.
    """
    image, config = host.before.image, ComposeConfig(seed=seed)
    if arm == "in turn":
        how = ", ".join(f"{role}: {one.name}" for role, one in people.items())
        mix = mix_people(list(people.values()), how)
        targets = mixed_faces(face, mix, config, find=find)
        return compose_identity(image, targets, backbone, config).image

    target = TargetFace(face_mask(face, config))
    if arm == "chimera":
        # The head of the answer may reach beyond the mask, which stays as it is in all other arms.
        answer, config = host.answer.image, replace(config, colour_match=0.0)
        return put_inside(answer, answer, [target], backbone, config)

    def paint_crop(_: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        with apply_identity(backbone, list(people.values())) as words:
            both = backbone.text.encode([_all_words(people), ""], words)
            rows = torch.arange(2, device=both.context.device)
            positive, negative = both.select(rows[:1]), both.select(rows[1:])
            return inpaint(backbone, positive, negative, crop.image, crop.mask, config, seeds)

    return compose_faces(image, [target], paint_crop, backbone.spec, config).image


def _all_words(people: Mapping[str, Identity]) -> str:
    asked = {part: people[role].word(part) for part, role in WHOSE.items()}
    words = " ".join(f"embedding:{word.placeholder}" for word in asked.values() if word)
    return f"a photo of a {people['rest'].meta.class_noun} with {words}"


@torch.no_grad()
def measured(probe: AttributeProbe, host: MixHost, image: Tensor) -> dict[str, float]:
    """Whether each part reads as of its person, and whether more as of another, 0 or 1 each."""
    seen = probe.look(face_crop(image, Box(*host.answer.boxes[0]["face"]), 64)).classes
    said = {name: int(answer[0].argmax()) for name, answer in seen.items()}
    out = {}
    for part, role in WHOSE.items():
        right = {
            whose: sum(said[name] == truth[name] for name in PARTS[part])
            for whose, truth in host.truth.items()
        }
        out[f"exact {part}"] = float(right[role] == len(PARTS[part]))
        out[f"confused {part}"] = float(max(right.values()) > right[role])
    return out


def of_person(rows: Sequence[Row]) -> dict[str, float]:
    """MEASURES of one person in one arm."""
    return {
        "exact": fmean([row[f"exact {part}"] for row in rows for part in WHOSE]),
        "mixed": fmean([row[f"exact {part}"] for row in rows for part in ROLES[1:]]),
        "confusion": fmean([row[f"confused {part}"] for row in rows for part in ROLES[1:]]),
    }


def _person(number: int) -> Tensor:
    return sample_people(1, seeded(UNSEEN + number))


def paint_mixes(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """The mixes of which this person is the rest."""
    first, size = bench.flags.first, bench.backbone.spec.resolution
    mine = [roles for roles in cast(first, bench.flags.people) if roles["rest"] == index]
    parts = DetectConfig(", ".join(COLUMNS), on_missing="estimate")
    find = part_finder(bench.detector)
    for roles in mine:
        for k, host in enumerate(mix_hosts(first, roles, bench.flags.hosts, size)):
            missing = [arm for arm in ARMS if wanted(arm, k)]
            if not missing:
                continue
            people = {role: bench.learned(number) for role, number in roles.items()}
            (face,) = detect_attributes([host.before.image], bench.detector, parts)
            assert face is not None  # "estimate" answers for every picture
            for arm in missing:
                seed = 1000 * bench.number(index) + k
                image = painted(arm, people, host, face, bench.backbone, find, seed)
                yield Painted(arm, k, image, measured(bench.probe, host, image))


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, and FaceA's way beside its rival and the ceiling."""
    values = {
        arm: {
            name: by_person(rows, arm, lambda some, n=name: of_person(some)[n]) for name in MEASURES
        }
        for arm in ARMS
    }
    lines = [
        [f"{arm}: {about}", *(shown(of) for of in values[arm].values())]
        for arm, about in ARMS.items()
    ]
    said = []
    for name in ("exact", "mixed"):
        ours, rival, ceiling = (values[arm][name] for arm in (OURS, RIVAL, CEILING))
        share = ratio([(ours[person], ceiling[person]) for person in ours]).mean
        more = shown(difference(ours, rival))
        said.append(f"{name}: {OURS} less {RIVAL} {more}; {share:.2f} of the ceiling")
    return "\n".join([markdown(["Arm", *MEASURES], lines), "", *said, ""])


TASK = Task(paint_mixes, table)
