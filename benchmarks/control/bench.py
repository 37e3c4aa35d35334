"""What all tasks of the bench share: the models, and people who are learned once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facea_core.backbone import Backbone, load_backbone
from facea_core.detection.base import Detector
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError
from facea_core.evaluation import TinyEmbedder, face_crop
from facea_core.evaluation.identity_encoder import (
    AttributeProbe,
    IdentityEncoder,
    load_attribute_probe,
)
from facea_core.identity.subject import Subject as Named
from facea_core.identity_store.store import train_once
from facea_core.io.assets import load_weights
from facea_core.settings import read_settings
from facea_core.training import TrainConfig
from facea_core.types import Box, Identity

from ..likeness.journal import Row
from ..likeness.metrics import Judge
from ..likeness.subjects import Subject, painted_subject
from ..likeness.tables import Estimate, estimate
from .form import Control

T = TypeVar("T")

ATTRIBUTES = "eyes, nose, mouth"


class Painted(NamedTuple):
    """One image `(1, 3, H, W)` of an arm in picture number `scene`, and what was measured of it."""

    arm: str
    scene: int
    image: Tensor
    figures: Mapping[str, float | str]


@dataclass(frozen=True)
class Wanted:
    """Whether an image of a person is still to be painted: `wanted(arm, scene)`."""

    mark: str
    person: str
    done: Collection[tuple[str, str, int]]

    def __call__(self, arm: str, scene: int) -> bool:
        return (self.person, self.mark + arm, scene) not in self.done


@dataclass(frozen=True, eq=False)
class Task:
    """One thing that is asked of a learned person.

    `paint(bench, person, wanted)` yields what is still to be painted of a person, and `table(rows)`
    is what came out, in Markdown.
    """

    paint: Callable[[Bench, int, Wanted], Iterator[Painted]]
    table: Callable[[Sequence[Row]], str]


@dataclass(frozen=True, eq=False)
class Bench:
    flags: Control

    @cached_property
    def backbone(self) -> Backbone:
        return load_backbone("tiny")

    @cached_property
    def detector(self) -> Detector:
        return load_detector("tiny")

    @cached_property
    def embedder(self) -> TinyEmbedder:
        """Who chooses among candidates, as for a user."""
        return TinyEmbedder()

    @cached_property
    def probe(self) -> AttributeProbe:
        """Who measures."""
        path = self.flags.judge
        return load_attribute_probe() if path is None else load_second_probe(path)

    @cached_property
    def judge(self) -> Judge:
        return Judge(TinyEmbedder(self.probe.encoder), self.probe)

    @torch.no_grad()
    def answers(self, image: Tensor, face: Box) -> dict[str, int]:
        """What the probe answers to each of its questions about the face in that box."""
        seen = self.probe.look(face_crop(image, face, 64)).classes
        return {name: int(logits.argmax()) for name, logits in seen.items()}

    @cached_property
    def config(self) -> TrainConfig:
        return TrainConfig.from_preset(
            self.flags.preset,
            **{"attributes": ATTRIBUTES, **read_settings(self.flags.settings)},
        )

    @cached_property
    def _known(self) -> dict[int, Identity]:
        return {}

    def number(self, index: int) -> int:
        """The number of the painted person."""
        return self.flags.first + index

    def subject(self, index: int) -> Subject:
        return painted_subject(
            self.number(index), self.flags.hosts, self.backbone.spec.resolution, self.detector
        )

    def learned(self, index: int) -> Identity:
        """The person as learned with the bench's settings."""
        if index not in self._known:
            subject, name = self.subject(index), f"person-{index}"
            folder = self.flags.out / "identities" / name
            self._known[index] = train_once(
                subject.photos, self.backbone, replace(self.config, seed=self.number(index)),
                folder, folder / "runs", Named(name, subject.noun),
            ).identity  # fmt: skip
        return self._known[index]

    def stranger(self, index: int) -> Identity:
        """Somebody else, learned in the same way."""
        return self.learned((index + 1) % self.flags.people)


def load_second_probe(path: Path) -> AttributeProbe:
    """The encoder and its heads that `pretraining encoder` wrote, however wide, in eval mode.

    Raises AssetError if the file does not hold them.
    """
    try:
        inside = len(load_file(path)["encoder.hidden.weight"])
    except (SafetensorError, OSError, KeyError) as error:
        raise AssetError(
            f"{path} is no encoder ({error}); give encoder.safetensors of the folder of "
            "`python -m pretraining encoder`"
        ) from error
    scale = inside / IdentityEncoder().hidden.out_features
    return load_weights(AttributeProbe(IdentityEncoder(scale)), path)


def by_person(rows: Sequence[Row], arm: str, measure: Callable[[Sequence[Row]], T]) -> dict[str, T]:
    """Person -> what `measure` makes of the rows, of those that have the arm."""
    mine: dict[str, list[Row]] = {}
    for row in rows:
        if row["arm"] == arm:
            mine.setdefault(row["person"], []).append(row)
    return {person: measure(some) for person, some in mine.items()}


def shown(values: Mapping[str, float] | Estimate) -> str:
    """The mean and its interval."""
    one = values if isinstance(values, Estimate) else estimate(list(values.values()))
    return f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f})"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
