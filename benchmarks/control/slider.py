"""Whether a slider moves its attribute, evenly, and leaves the person and other sliders alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from tqdm import tqdm

from facea_core.backbone import Backbone, load_backbone
from facea_core.cli.talk import say
from facea_core.composing import ComposeConfig, compose_identity, face_mask
from facea_core.detection.base import Detector
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.detection.load import load_detector
from facea_core.errors import BenchError
from facea_core.evaluation import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe, load_attribute_probe
from facea_core.identity.adapters import merged_lora
from facea_core.identity.subject import Subject
from facea_core.identity_store.store import train_once
from facea_core.io.files import atomic_path
from facea_core.io.output_files import require_writable_folder
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
from facea_core.training import TrainConfig
from facea_core.types import Box, Identity, LoraWeights

from ..likeness.subjects import UNSEEN, painted_subject
from .form import Control

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


@dataclass(frozen=True, eq=False)
class Bench:
    """What everybody is painted and looked at with."""

    backbone: Backbone
    detector: Detector
    probe: AttributeProbe
    learned: Mapping[str, Layers]


@dataclass(frozen=True)
class Seen:
    """One person in one picture: by slider, how sure the probe is of its attribute at each of
    STRENGTHS, and the likeness; and how far the other slider moves its attribute at +1."""

    sure: Mapping[str, tuple[float, ...]]
    likeness: Mapping[str, tuple[float, ...]]
    mixed: Mapping[str, float]


def run_sliders(flags: Control) -> None:
    """Learn both sliders and everybody, paint at all strengths, and say what came out.

    The prompts are those of men, so women are passed over.
    """
    require_writable_folder(flags.out)
    backbone = load_backbone("tiny")
    learned = {name: _slider(flags.out, name, backbone) for name in QUESTIONS}
    bench = Bench(backbone, load_detector("tiny"), load_attribute_probe(), learned)
    seen = [
        one
        for index in tqdm(range(flags.people), desc="people", disable=None, leave=False)
        for one in _person(bench, flags, flags.first + index)
    ]
    text = table(seen)
    with atomic_path(flags.out / "sliders.md") as temporary:
        temporary.write_text(text, "utf-8")
    say(text)


def _person(bench: Bench, flags: Control, number: int) -> Iterator[Seen]:
    """A person in the pictures of others."""
    resolution = bench.backbone.spec.resolution
    subject = painted_subject(number, 0, resolution, bench.detector)
    if subject.noun != "man":
        return
    folder, name = flags.out / "identities" / f"person-{number}", f"person-{number}"
    person = train_once(
        subject.photos, bench.backbone, replace(TrainConfig.from_preset("tiny"), seed=number),
        folder, folder / "runs", Subject(name, subject.noun),
    ).identity  # fmt: skip
    own = [_read(bench.probe, one.image, one.attributes.face)[0] for one in subject.photos]
    for k, host in enumerate(_hosts(number, flags.hosts, resolution)):
        (face,) = detect_attributes([host.image], bench.detector, DetectConfig("face"))
        if face is not None:
            config = ComposeConfig(seed=1000 * number + k)
            yield _picture(bench, person, own, host, face_mask(face, config), config)


def _picture(
    bench: Bench, person: Identity, own: Sequence[Tensor], host: Painting, mask: Tensor,
    config: ComposeConfig,
) -> Seen:  # fmt: skip
    box = Box(*host.boxes[0]["face"])

    def look(*sliders: tuple[Layers, float]) -> tuple[Tensor, Mapping[str, Tensor]]:
        with _merged(bench.backbone, sliders):
            made = compose_identity(host.image, [(mask, person)], bench.backbone, config)
        return _read(bench.probe, made.image, box)

    def sure(name: str, answers: Mapping[str, Tensor]) -> float:
        return float(answers[QUESTIONS[name].question][QUESTIONS[name].answer])

    _, both = look(*((layers, 1.0) for layers in bench.learned.values()))
    rises, likeness, mixed = {}, {}, {}
    for name, layers in bench.learned.items():
        looks = [look((layers, strength)) for strength in STRENGTHS]
        rises[name] = tuple(sure(name, answers) for _, answers in looks)
        likeness[name] = tuple(max(float(who @ one) for one in own) for who, _ in looks)
        mixed[name] = abs(sure(name, both) - rises[name][STRENGTHS.index(1.0)])
    return Seen(rises, likeness, mixed)


def table(seen: Sequence[Seen]) -> str:
    """Per attribute: its mean probability at each strength, how evenly it rises, and likeness."""
    if not seen:
        raise BenchError("nobody was painted: none of these people is a man; give more --people")
    head = ["Slider", *(f"{one:+g}" for one in STRENGTHS), "Spearman", "span",
            "likeness at -1", "at +1", "moved by the other"]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in seen[0].sure:
        sure = [fmean(column) for column in zip(*(one.sure[name] for one in seen), strict=True)]
        like = [fmean(column) for column in zip(*(one.likeness[name] for one in seen), strict=True)]
        less, plain, more = (like[STRENGTHS.index(one)] for one in (-1.0, 0.0, 1.0))
        cells = [f"{one:.2f}" for one in sure]
        cells += [f"{spearman(sure):.2f}", f"{sure[-1] - sure[0]:.2f}"]
        cells += [f"{less - plain:+.2f}", f"{more - plain:+.2f}"]
        cells.append(f"{fmean([one.mixed[name] for one in seen]):.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def spearman(values: Sequence[float]) -> float:
    """The rank correlation of the values with their order, in [-1, 1]."""
    ranks = torch.tensor(values).argsort().argsort().double()
    return float(torch.corrcoef(torch.stack([torch.arange(len(values)).double(), ranks]))[0, 1])


def _slider(out: Path, name: str, backbone: Backbone) -> Layers:
    """Learned once, and found again."""
    asked, plain = QUESTIONS[name], name.replace(" ", "-")
    config = SliderConfig.for_family(
        "facea-tiny", positive=asked.positive, negative=asked.negative, neutral=NEUTRAL
    )
    origin = slider_origin(backbone.hash, config)
    path = find_slider(out, plain, origin)
    if path is None:
        path = slider_path(out, plain, origin)
        save_slider(train_slider(backbone, config, origin=origin), path)
    return slider_layers(read_lora(path), backbone.unet, name)


def _hosts(number: int, count: int, size: int) -> Iterator[Painting]:
    """Pictures of others to paint person `number` into."""
    generator = seeded(UNSEEN + number + (1 << 21))
    for _ in range(count):
        yield paint(sample_people(1, generator), sample_scenes(1, generator), size)


@contextmanager
def _merged(backbone: Backbone, sliders: Sequence[tuple[Layers, float]]) -> Iterator[None]:
    with ExitStack() as merged:
        for layers, strength in sliders:
            merged.enter_context(merged_lora(backbone.unet, layers, strength))
        yield


@torch.no_grad()
def _read(probe: AttributeProbe, image: Tensor, face: Box) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Who it is `(64,)`, a unit vector, and the probabilities of each question's answers."""
    seen = probe.look(face_crop(image, face, 64))
    answers = {name: logits[0].softmax(dim=0) for name, logits in seen.classes.items()}
    return torch.nn.functional.normalize(seen.vector[0], dim=0), answers
