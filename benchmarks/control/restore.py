"""A damaged photo of the person, repaired: are they still they, and is it still that photo?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import nan
from statistics import fmean
from typing import Any

import torch
from PIL import ImageFilter
from torch import Tensor

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask, plan_crop
from facea_core.composing.faces import Crop
from facea_core.composing.stitch import crop_image, crop_mask
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.evaluation import evaluate_identity, face_photo
from facea_core.io.images import from_pil, to_pil
from facea_core.restoring.config import RestoreConfig
from facea_core.restoring.degrade import LEVELS, Damage, degrade, enlarged
from facea_core.restoring.evidence import Evidence
from facea_core.restoring.people import NOBODY
from facea_core.restoring.recognise import advantage
from facea_core.restoring.repair import DamagedPhoto, Repair
from facea_core.restoring.restore import restore_faces
from facea_core.seeds import seeded
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import (
    sample_people,
    sample_scenes,
)
from facea_core.synthetic.render import paint
from facea_core.types import Box

from ..likeness.journal import Row
from ..likeness.metrics import PARTS
from ..likeness.subjects import UNSEEN, Subject, expression_labels
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

UNDAMAGED = "undamaged"
DAMAGES: Mapping[str, Damage] = {UNDAMAGED: Damage(), **LEVELS}

OTHERS = 3
"""So many strangers are asked about each photo."""

LEFT_ALONE = 0.8
"""`only_worse_than` by which undamaged faces are told."""


@dataclass(frozen=True)
class Arm:
    about: str
    who: str = "own"
    settings: Mapping[str, Any] = field(default_factory=dict)


ARMS: Mapping[str, Arm] = {
    "own": Arm("the person, damage estimated: what FaceA does"),
    "known": Arm("the same, told the true damage"),
    "free": Arm("the same, not held to the photo (fidelity 0)", settings={"fidelity": 0.0}),
    "held": Arm("the same, as near to the photo as can be (fidelity 1)", settings={"fidelity": 1}),
    "caption": Arm("the model alone, by a true caption", "nobody"),
    "stranger": Arm("as somebody else", "stranger"),
}
"""All but `own` are told the true damage."""

PLAIN: Mapping[str, str] = {
    "photo": "the damaged photo",
    "round trip": "the photo through the autoencoder",
    "unsharp": "Pillow's unsharp mask",
    "median": "Pillow's median filter",
    "compose": "repainted whole: FaceA Inpaint Compose",
}

MEASURES: Mapping[str, str] = {
    "likeness": "to photos of the person that were not learned from, cosine",
    "psnr": "to the clean picture, in the head, dB",
    "consistency": "to the photo, once damaged alike with the true damage, dB",
    "expression": "share of right answers about smile and open mouth, by the probe",
    "parts": "share of right answers about eyes, nose and mouth",
    "outside": "largest change outside the mask",
}


def paint_restored(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each level of damage of a new picture of the person, in every arm with the same noise."""
    number, subject = bench.number(index), bench.subject(index)
    generator = seeded(UNSEEN + number + (1 << 24))
    person = sample_people(1, seeded(UNSEEN + number))
    truth = paint(person, sample_scenes(1, generator), bench.backbone.spec.resolution)
    (face,) = detect_attributes(
        [truth.image], bench.detector, DetectConfig("face, hair", on_missing="pass")
    )
    assert face is not None  # without a face there is an error
    mask = face_mask(face)
    for scene, (level, damage) in enumerate(DAMAGES.items()):
        size = truth.image.shape[-2], truth.image.shape[-1]
        photo = enlarged(degrade(truth.image, damage, number), size)
        asked = _Asked(bench, index, subject, truth, level, photo, mask)
        for arm in (*PLAIN, *ARMS):
            if wanted(f"{level}, {arm}", scene) and not (level == UNDAMAGED and arm in ARMS):
                yield asked.painted(arm, scene)
        if level != UNDAMAGED:
            for other in range(OTHERS + 1):
                if wanted(f"{level}, who {other}", scene):
                    yield asked.recognised(other, scene)


@dataclass(frozen=True, eq=False)
class _Asked:
    """One photo and all that is known of it."""

    bench: Bench
    index: int
    subject: Subject
    truth: Painting
    level: str
    photo: Tensor
    mask: Tensor

    @property
    def damage(self) -> Damage:
        return DAMAGES[self.level]

    @property
    def crop(self) -> Crop:
        plan = plan_crop(self.mask, self.bench.backbone.spec)
        return Crop(crop_image(self.photo, plan), crop_mask(self.mask, plan), plan)

    @cached_property
    def repair(self) -> Repair:
        """As FaceA sees it, who knows nothing of the damage."""
        return DamagedPhoto(self.photo).repair(self.crop, RestoreConfig())

    def painted(self, arm: str, scene: int) -> Painted:
        image, more = self.made(arm)
        return Painted(f"{self.level}, {arm}", scene, image, {**self.measured(image), **more})

    def made(self, arm: str) -> tuple[Tensor, dict[str, float]]:
        backbone, photo, identity = self.bench.backbone, self.photo, None
        painting = ComposeConfig(seed=1000 * self.bench.number(self.index))
        if arm == "photo":
            return photo, {"detail": self.repair.detail}
        if arm == "round trip":
            made = backbone.decode(backbone.encode_image(photo).sample()).clamp(0, 1)
            return torch.where(self.mask > 0, made, photo), {}
        if arm in ("unsharp", "median"):
            filters = {"unsharp": ImageFilter.UnsharpMask(), "median": ImageFilter.MedianFilter()}
            made = from_pil(to_pil(photo).filter(filters[arm]))
            return torch.where(self.mask > 0, made, photo), {}
        if arm == "compose":
            target = TargetFace(self.mask, self.bench.learned(self.index))
            return compose_identity(photo, [target], backbone, painting).image, {}
        how = ARMS[arm]
        if how.who != "nobody":
            learned = self.bench.learned if how.who == "own" else self.bench.stranger
            identity = learned(self.index)
        prompt = self.subject.caption if identity is None else ""
        known = None if arm == "own" else self.damage
        made = restore_faces(
            DamagedPhoto(photo, damage=known), [TargetFace(self.mask, identity, prompt)], backbone,
            RestoreConfig(**how.settings), painting,
        )  # fmt: skip
        return made.composition.image, {"strength": made.faces[0].strength}

    def recognised(self, other: int, scene: int) -> Painted:
        """By how much the model of the person, or of stranger `other`, knows the photo better."""
        people = self.bench.flags.people
        identity = self.bench.learned((self.index + other) % people)
        repair = self.repair
        known = advantage(repair.crop, repair.evidence, identity, self.bench.backbone)
        return Painted(f"{self.level}, who {other}", scene, repair.crop.image, {"known": known})

    def measured(self, image: Tensor) -> dict[str, float]:
        head = (self.mask >= 0.5).float()
        square = ((image - self.truth.image).square() * head).sum() / (3 * head.sum())
        box = Box(*self.truth.boxes[0]["face"])
        alike = evaluate_identity(
            [face_photo(image, box)], self.subject.photos, self.subject.heldout,
            self.bench.judge.embedder,
        )  # fmt: skip
        crop = self.crop
        evidence = Evidence.of(crop.image, self.damage)
        answers = self.bench.answers(image, box)
        told = expression_labels(self.truth.scenes)
        parts = [name for part in ("eyes", "nose", "mouth") for name in PARTS[part]]
        asked = self.subject.truth or {}
        return {
            "likeness": alike.heldout,
            "psnr": float(-10 * square.log10()),
            "consistency": evidence.consistency(crop_image(image, crop.plan), crop.mask),
            "expression": fmean(float(answers[name] == told[name]) for name in told),
            "parts": fmean(float(answers[name] == asked[name]) for name in parts),
            "outside": float(((image - self.photo).abs() * (self.mask == 0)).max()),
        }


def table(rows: Sequence[Row]) -> str:
    """Each level's measures by arm, what own is ahead of, who is recognised, who is left alone."""
    lines, ahead, known = [], [], []
    for level in DAMAGES:
        means = {
            arm: {name: by_person(rows, f"{level}, {arm}", _mean(name)) for name in MEASURES}
            for arm in (*PLAIN, *ARMS)
        }  # fmt: skip
        for arm, mine in means.items():
            if mine["likeness"]:
                about = PLAIN.get(arm) or ARMS[arm].about
                lines.append([level, f"{arm}: {about}", *map(shown, mine.values())])
        for other in ("photo", "round trip", "caption", "stranger", "known"):
            if means["own"]["likeness"] and means[other]["likeness"]:
                gains = (
                    shown(difference(means["own"][name], means[other][name]))
                    for name in ("likeness", "psnr", "expression", "parts")
                )
                ahead.append([level, other, *gains])
        asked = [f"{level}, who {other}" for other in range(OTHERS + 1)]
        own, *others = ([row["known"] for row in rows if row["arm"] == arm] for arm in asked)
        strange = [value for some in others for value in some]
        if own and strange:
            known.append([level, *(f"{value:.2f}" for value in _told(own, strange))])
    alone = [[level, f"{_untouched(rows, level):.2f}"] for level in DAMAGES]
    return "\n\n".join([
        markdown(["Damage", "Arm", *MEASURES], lines),
        markdown(["Damage", "own less", "likeness", "psnr", "expression", "parts"], ahead),
        markdown(["Damage", "AUC", "own found", "strangers taken for them"], known),
        markdown(["Damage", f"left alone by only_worse_than {LEFT_ALONE}"], alone),
    ])  # fmt: skip


def _told(own: Sequence[float], strange: Sequence[float]) -> tuple[float, float, float]:
    """The area under the curve, and the shares above `NOBODY` of the person and of strangers."""
    over = fmean(float(a > b) + 0.5 * (a == b) for a in own for b in strange)
    found, taken = (fmean(float(value > NOBODY) for value in some) for some in (own, strange))
    return over, found, taken


def _untouched(rows: Sequence[Row], level: str) -> float:
    left = [row["detail"] for row in rows if row["arm"] == f"{level}, photo"]
    return fmean(float(one > LEFT_ALONE) for one in left) if left else nan


def _mean(measure: str):
    return lambda rows: fmean(row[measure] for row in rows)


TASK = Task(paint_restored, table)
