"""A whole head painted, asked for by the person's words or by others: who comes out?

The likeness of what was asked for, the likeness where it was not (bleed: another face in a picture
while the LoRA is loaded), and how well the rest of the prompt is followed, over LoRA strengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.demo import HAIR_ROOM

from ..likeness.journal import Row
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

MEASURES: Mapping[str, str] = {
    "likeness": "to photos of the person that were not learned from, cosine",
    "prompt": "share of what the prompt asked beside the person that is right",
}


@dataclass(frozen=True)
class Arm:
    """Who is asked for, "own", "class" or "caption", at which strength of the LoRA."""

    about: str
    word: str
    lora: float


ARMS: Mapping[str, Arm] = {
    "caption": Arm("the model as it is, asked in the best words there are", "caption", 0.0),
    "words, LoRA 0": Arm("the learned words, no LoRA", "own", 0.0),
    "words, LoRA 0.4": Arm("the words and a little of the LoRA", "own", 0.4),
    "words, LoRA 0.6": Arm("the words and some of the LoRA", "own", 0.6),
    "words, LoRA 0.8": Arm("the words and most of the LoRA", "own", 0.8),
    "words": Arm("the words and the LoRA: what FaceA does", "own", 1.0),
    "words, LoRA 1.2": Arm("the words and more of the LoRA", "own", 1.2),
    "class word": Arm("the LoRA is loaded and nobody asked for the person", "class", 1.0),
    "nobody": Arm("the model as it is, asked for the class", "class", 0.0),
}
ASKED, UNASKED = "words", "class word"
CURVE = [name for name, arm in ARMS.items() if arm.word == "own"]
ALIKE = 0.75
"""The likeness at which the curve over strengths is read: how well is the prompt followed there?"""


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each scene of the person, in every arm with the same noise."""
    scenes = range(bench.flags.hosts)
    if not any(wanted(arm, k) for arm in ARMS for k in scenes):
        return
    subject, identity = bench.subject(index), bench.learned(index)
    for k, scene in enumerate(subject.scenes):
        for name, arm in ARMS.items():
            if not wanted(name, k):
                continue
            config = ComposeConfig(
                hair_room=HAIR_ROOM, seed=1000 * bench.number(index) + k, strength=arm.lora
            )
            said = {
                "own": identity.meta.prompt,
                "class": f"a photo of a {subject.noun}",
                "caption": subject.caption,
            }[arm.word]
            # Compose adds the words of a person who is not asked for: here there are none.
            person = identity if arm.word == "own" else replace(identity, words=())
            face = TargetFace(face_mask(scene.target, config), person)
            prompt = ", ".join(text for text in (said, scene.prompt) if text)
            image = compose_identity(scene.image, [face], bench.backbone, config, prompt).image
            seen = bench.judge(subject, scene, image)
            yield Painted(name, k, image, {"likeness": seen["heldout"], "prompt": seen["prompt"]})


def table(rows: Sequence[Row]) -> str:
    lines = [
        [f"{arm}: {one.about}", *(shown(_means(rows, arm, name)) for name in MEASURES)]
        for arm, one in ARMS.items()
    ]
    asked, unasked, nobody = (_means(rows, arm, "likeness") for arm in (ASKED, UNASKED, "nobody"))
    return (
        f"{markdown(['Arm', *MEASURES], lines)}\n\n"
        f"Bleed, {UNASKED} less nobody: {shown(difference(unasked, nobody))}\n"
        f"Selectivity, {ASKED} less {UNASKED}: {shown(difference(asked, unasked))}\n"
        f"Prompt where the likeness is {ALIKE}, between strengths: {_at_likeness(rows)}\n"
    )


def _means(rows: Sequence[Row], arm: str, measure: str) -> dict[str, float]:
    """By person."""
    return by_person(rows, arm, lambda some: fmean(row[measure] for row in some))


def _at_likeness(rows: Sequence[Row]) -> str:
    """Read off the line between the first two strengths that have `ALIKE` between them."""
    painted = {row["arm"] for row in rows}
    points = [
        [fmean(_means(rows, arm, name).values()) for name in MEASURES]
        for arm in CURVE if arm in painted
    ]  # fmt: skip
    for (low, before), (high, after) in pairwise(points):
        if low <= ALIKE <= high:
            return f"{before + (after - before) * (ALIKE - low) / (high - low):.2f}"
    return "not reached"


TASK = Task(paint, table)
