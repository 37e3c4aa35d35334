"""A picture of the person with one thing changed by words: is it there, and are they still they?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from torch import Tensor

from facea_core.composing import (
    ComposeConfig,
    EditConfig,
    compose_identity,
    edit_target,
    edited,
    edited_parts,
)
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.evaluation import evaluate_identity, face_photo
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import (
    BEARDS,
    GLASSES,
    HAIR_COLOURS,
    SCENE,
    labels,
    sample_people,
    sample_scenes,
)
from facea_core.synthetic.render import paint
from facea_core.types import Box, FaceAttributes, Identity

from ..likeness.journal import Row
from ..likeness.subjects import UNSEEN
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

ARMS: Mapping[str, str] = {
    "edit": "laid out by the model alone, finished by the person's LoRA: what FaceA does",
    "text": "the LoRA, and the text in its prompt",
    "base": "the model alone",
    "untouched": "the picture as it was",
}

MEASURES: Mapping[str, str] = {
    "right": "share in which the probe sees the change",
    "likeness": "to photos of the person that were not learned from, cosine",
    "kept": "share of the probe's other answers that are as before",
}


@dataclass(frozen=True)
class Change:
    """A text, and the probe's question and answer that tell of it."""

    text: str
    question: str
    answer: int
    men_only: bool = False


CHANGES: Mapping[str, Change] = {
    "smile": Change("smiling", "smile", 1),
    "open mouth": Change("an open mouth", "open_mouth", 1),
    "red hair": Change("red hair", "hair_colour", HAIR_COLOURS.index("red")),
    "round glasses": Change("round glasses", "glasses", GLASSES.index("round")),
    "full beard": Change("a full beard", "beard", BEARDS.index("full"), men_only=True),
}


def paint_edits(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each change of each calm picture of the person, in every arm with the same noise."""
    number, subject = bench.number(index), bench.subject(index)
    person = sample_people(1, seeded(UNSEEN + number))
    given = labels(person)
    for k, scene in enumerate(calm_scenes(number, bench.flags.hosts)):
        image = paint(person, scene, bench.backbone.spec.resolution)
        for name, change in CHANGES.items():
            has = change.question in given and int(given[change.question]) == change.answer
            bald = change.question == "hair_colour" and int(given["hair_style"]) == 0
            arms = [arm for arm in ARMS if wanted(f"{name}, {arm}", k)]
            if has or bald or not arms or (change.men_only and subject.noun != "man"):
                continue
            parts = edited_parts(change.text)
            asked = DetectConfig(", ".join(dict.fromkeys(("eyes", *parts))), on_missing="pass")
            (face,) = detect_attributes([image.image], bench.detector, asked)
            assert face is not None  # without a face there is an error
            for arm in arms:
                config = ComposeConfig(seed=1000 * number + k)
                made = _made(bench, arm, change, image.image, face, bench.learned(index), config)
                box = Box(*image.boxes[0]["face"])
                likeness = evaluate_identity(
                    [face_photo(made, box)], subject.photos, subject.heldout, bench.judge.embedder
                )
                before, after = (bench.answers(one, box) for one in (image.image, made))
                others = [name for name in before if name != change.question]
                yield Painted(f"{name}, {arm}", k, made, {
                    "right": float(after[change.question] == change.answer),
                    "likeness": likeness.heldout,
                    "kept": fmean(float(before[name] == after[name]) for name in others),
                })  # fmt: skip


def calm_scenes(number: int, count: int) -> list[Tensor]:
    """Scenes in which nobody smiles and mouths are closed. Same numbers, same bytes."""
    generator, scenes = seeded(UNSEEN + number + (1 << 23)), []
    for _ in range(count):
        scene = sample_scenes(1, generator)
        scene[:, [SCENE.index("smile"), SCENE.index("mouth_open")]] *= 0.4
        scenes.append(scene)
    return scenes


def _made(
    bench: Bench,
    arm: str,
    change: Change,
    image: Tensor,
    face: FaceAttributes,
    identity: Identity,
    config: ComposeConfig,
) -> Tensor:
    if arm == "untouched":
        return image
    parts = edited_parts(change.text)
    target = replace(edit_target(face, parts, config), identity=None if arm == "base" else identity)
    how = EditConfig(amount=0.0) if arm == "text" else EditConfig()
    target = edited(target, change.text, parts, how)
    return compose_identity(image, [target], bench.backbone, config).image


def table(rows: Sequence[Row]) -> str:
    """Each change's measures by arm, over people, and what the edit costs in likeness."""
    lines = []
    for name, change in CHANGES.items():
        means = {
            arm: {measure: by_person(rows, f"{name}, {arm}", _mean(measure))
                  for measure in MEASURES}
            for arm in ARMS
        }  # fmt: skip
        before = means["untouched"]["likeness"]
        for arm, about in ARMS.items():
            mine = means[arm]
            if not mine["right"]:
                continue
            less = shown(difference(mine["likeness"], before)) if arm != "untouched" else "–"
            cells = (shown(mine[measure]) for measure in MEASURES)
            lines.append([change.text, f"{arm}: {about}", *cells, less])
    return markdown(["Edit", "Arm", *MEASURES, "likeness against the picture as it was"], lines)


def _mean(measure: str):
    return lambda rows: fmean(row[measure] for row in rows)


TASK = Task(paint_edits, table)
