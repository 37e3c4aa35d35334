"""Whether a slider moves its attribute, evenly, and leaves the person and other sliders alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import nan
from statistics import fmean

import torch
from torch import Tensor

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.evaluation import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.identity.adapters import merged_lora
from facea_core.seeds import seeded
from facea_core.sliders import (
    SliderConfig,
    find_slider,
    read_lora,
    save_slider,
    slider_layers,
    slider_origin,
    slider_path,
    train_slider,
)
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import BEARDS, HAIR_COLOURS, sample_people, sample_scenes
from facea_core.synthetic.render import paint
from facea_core.types import Box, LoraWeights

from ..likeness.journal import Row
from ..likeness.subjects import UNSEEN
from .bench import Bench, Painted, Task, Wanted, markdown

BOTH = "both at +1"
STRENGTHS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
Layers = Mapping[str, LoraWeights]


@dataclass(frozen=True)
class Question:
    """An attribute: its prompts, and the probe's question and answer that tell of it."""

    positive: str
    negative: str
    question: str
    answer: int


NEUTRAL = "a photo of a man"
QUESTIONS: Mapping[str, Question] = {
    "grey hair": Question(
        "a photo of a man with grey hair", "a photo of a man with black hair",
        "hair_colour", HAIR_COLOURS.index("grey"),
    ),
    "full beard": Question(
        "a photo of a man with a full beard", NEUTRAL, "beard", BEARDS.index("full")
    ),
}  # fmt: skip


def paint_sliders(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """The person with each slider at each strength, and with both at 1, into pictures of others.

    The prompts are those of men, so women are passed over.
    """
    subject, number = bench.subject(index), bench.number(index)
    arms = {
        **{f"{name} {at:+g}": {name: at} for name in QUESTIONS for at in STRENGTHS},
        BOTH: dict.fromkeys(QUESTIONS, 1.0),
    }
    missing = {(arm, k) for arm in arms for k in range(bench.flags.hosts) if wanted(arm, k)}
    if subject.noun != "man" or not missing:
        return
    person = bench.learned(index)
    own = [_read(bench.probe, one.image, one.attributes.face)[0] for one in subject.photos]
    layers = {name: _slider(bench, name) for name in QUESTIONS}
    for k, host in enumerate(_hosts(number, bench.flags.hosts, bench.backbone.spec.resolution)):
        (face,) = detect_attributes([host.image], bench.detector, DetectConfig("face"))
        config = ComposeConfig(seed=1000 * number + k)
        for arm, strengths in arms.items():
            if face is None or (arm, k) not in missing:
                continue
            with ExitStack() as merged:
                for name, at in strengths.items():
                    merged.enter_context(merged_lora(bench.backbone.unet, layers[name], at))
                target = TargetFace(face_mask(face, config), person)
                image = compose_identity(host.image, [target], bench.backbone, config).image
            who, answers = _read(bench.probe, image, Box(*host.boxes[0]["face"]))
            sure = {name: float(answers[q.question][q.answer]) for name, q in QUESTIONS.items()}
            yield Painted(arm, k, image, {**sure, "likeness": max(float(who @ one) for one in own)})


def table(rows: Sequence[Row]) -> str:
    """Per attribute: its mean probability at each strength, how evenly it rises, and likeness."""

    def mean(arm: str, measure: str) -> float:
        return fmean([row[measure] for row in rows if row["arm"] == arm] or [nan])

    head = ["Slider", *(f"{one:+g}" for one in STRENGTHS), "Spearman", "span",
            "likeness at -1", "at +1", "moved by the other"]  # fmt: skip
    lines = []
    for name in QUESTIONS:
        sure = [mean(f"{name} {at:+g}", name) for at in STRENGTHS]
        less, plain, more = (mean(f"{name} {at:+g}", "likeness") for at in (-1.0, 0.0, 1.0))
        lines.append([
            name, *(f"{one:.2f}" for one in sure), f"{spearman(sure):.2f}",
            f"{sure[-1] - sure[0]:.2f}", f"{less - plain:+.2f}", f"{more - plain:+.2f}",
            f"{abs(mean(BOTH, name) - mean(f'{name} {1.0:+g}', name)):.2f}",
        ])  # fmt: skip
    return markdown(head, lines) + "\n"


def spearman(values: Sequence[float]) -> float:
    """The rank correlation of the values with their order, in [-1, 1]."""
    ranks = torch.tensor(values).argsort().argsort().double()
    return float(torch.corrcoef(torch.stack([torch.arange(len(values)).double(), ranks]))[0, 1])


def _slider(bench: Bench, name: str) -> Layers:
    """Learned once, and found again."""
    asked, plain = QUESTIONS[name], name.replace(" ", "-")
    config = SliderConfig.for_family(
        "facea-tiny", positive=asked.positive, negative=asked.negative, neutral=NEUTRAL
    )
    origin = slider_origin(bench.backbone.hash, config)
    path = find_slider(bench.flags.out, plain, origin)
    if path is None:
        path = slider_path(bench.flags.out, plain, origin)
        save_slider(train_slider(bench.backbone, config, origin=origin), path)
    return slider_layers(read_lora(path), bench.backbone.unet, name)


def _hosts(number: int, count: int, size: int) -> Iterator[Painting]:
    """Pictures of others to paint person `number` into."""
    generator = seeded(UNSEEN + number + (1 << 21))
    for _ in range(count):
        yield paint(sample_people(1, generator), sample_scenes(1, generator), size)


@torch.no_grad()
def _read(probe: AttributeProbe, image: Tensor, face: Box) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Who it is `(64,)`, a unit vector, and the probabilities of each question's answers."""
    seen = probe.look(face_crop(image, face, 64))
    answers = {name: logits[0].softmax(dim=0) for name, logits in seen.classes.items()}
    return torch.nn.functional.normalize(seen.vector[0], dim=0), answers


TASK = Task(paint_sliders, table)
