"""Everybody learned, each as `facea train` would, by any engine; who fails is recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..audit import AuditConfig
from ..backbone import Backbone, inspect_checkpoint, load_backbone
from ..backbone.load import default_dtype, pick_device
from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.load import load_detector
from ..engines import Engine, Start
from ..identity import start_notes, vocabularies
from ..identity_store.store import train_once, trained_file
from ..training import (
    Origin,
    Plan,
    Previewer,
    TrainConfig,
    check_channels,
    free_memory,
    plan_training,
    require_room,
)
from ..types import BackboneSpec, OnStep, OnTick
from .folders import PersonFolder
from .reading import FAILED, FOUND, TRAINED, Learned, Read, read_person

__all__ = [
    "FAILED", "FOUND", "RUNS", "TRAINED", "Learned", "Learner", "Recipe", "seconds_per_step",
    "train_everybody",
]  # fmt: skip

RUNS = "runs"
"""The folder in the folder of identities in which each person has one for unfinished trainings."""


@dataclass(frozen=True, eq=False)
class Learner:
    """Learns one person after the other on one backbone: a `Worker`.

    Their identities come to be in `out`, as `train_once` puts them there; it is `train_once` that
    looks into `also` and calls `on_step`, `on_tick` and `on_encode`. Unfinished trainings lie in
    `runs`; without it each person's have a folder in `out`, and of finished ones nothing is kept.
    `painter` makes what paints previews of somebody.
    """

    backbone: Backbone
    detector: Detector
    plan: Plan
    out: Path
    training: TrainConfig
    detection: DetectConfig
    audit: AuditConfig
    captions: bool = False
    on_step: OnStep | None = None
    on_tick: OnTick | None = None
    on_encode: OnTick | None = None
    painter: Callable[[Read], Previewer] | None = None
    runs: Path | None = None
    also: tuple[Path, ...] = ()

    def __call__(self, person: PersonFolder) -> Learned:
        """Raises as `read_person` and `train_once` do."""
        return self.learn(self._read(person))

    def learn(self, read: Read) -> Learned:
        """Somebody whose photos are read. Raises as `train_once` does."""
        starts = [read.person.class_noun, *(one.name for one in self.training.table)]
        notes = start_notes(starts, vocabularies(self.backbone))
        runs = self.runs or self.out / RUNS / read.person.name
        trained = train_once(
            read.photos, self.backbone, self.training, self.out, runs, read.subject,
            on_step=self.on_step, on_tick=self.on_tick, on_encode=self.on_encode,
            previewer=self.painter and self.painter(read), plan=self.plan, also=self.also,
        )  # fmt: skip
        if self.runs is None:
            _tidy(runs)
        return read.learned(trained, notes)

    def trained_file(self, person: PersonFolder) -> Path | None:
        """The identity that would be found; nothing is changed. Raises as `read_person`."""
        read = self._read(person)
        origin = Origin.of(read.photos, self.backbone.hash, self.training, read.subject)
        asked = self.training.resolution or self.backbone.spec.resolution
        return trained_file(origin, self.out, self.plan.resolution, asked)

    def _read(self, person: PersonFolder) -> Read:
        return read_person(
            person, self.detector, self.detection, self.audit, self.backbone.spec.family,
            captions=self.captions,
        )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How everybody is learned, in plain values: a `Start`, which loads what a `Learner` needs.

    `base`, `prediction`, `vae` and `clip_skip` are those of `load_backbone`, `detector` and
    `detector_model` of `load_detector`; `device` is a torch device or "auto"; `sharing` is how many
    workers there are to a GPU, each of which plans with its share of the memory.
    """

    base: str | Path
    out: Path
    training: TrainConfig
    detection: DetectConfig
    audit: AuditConfig
    captions: bool = False
    prediction: str | None = None
    vae: Path | None = None
    clip_skip: int = 0
    detector: str = "auto"
    detector_model: Path | None = None
    device: str = "auto"
    sharing: int = 1

    def __call__(self) -> Learner:
        """Raises as `load_backbone` and `plan_training` do, and `ConfigError` for a device."""
        device, (plan, _) = pick_device(self.device), self.planned()
        require_room(plan, device)
        backbone = load_backbone(
            self.base, device,
            prediction=self.prediction, vae=self.vae, clip_skip=self.clip_skip,
        )  # fmt: skip
        return Learner(
            backbone,
            load_detector(self.detector, model=self.detector_model, device=pick_device("auto")),
            plan,
            self.out,
            self.training,
            replace(self.detection, attributes=self.training.attributes),
            replace(self.audit, resolution=plan.resolution),
            self.captions,
        )

    def planned(self) -> tuple[Plan, tuple[str, ...]]:
        """How each would be trained on this machine, and notes on the model; nothing is loaded."""
        header = inspect_checkpoint(self.base, prediction=self.prediction, vae=self.vae)
        check_channels(header.spec, self.training)
        return self._plan(header.spec), header.notes

    def _plan(self, spec: BackboneSpec) -> Plan:
        device = pick_device(self.device)
        free = free_memory(device)
        share = None if free is None else free // self.sharing
        return plan_training(spec, self.training, default_dtype(device), share)


def train_everybody(
    people: Sequence[PersonFolder], start: Start[PersonFolder, Learned], engine: Engine
) -> Iterator[Learned]:
    """What became of each, as they are done; `start` makes a `Learner`, as a `Recipe` does.

    Whoever has a problem, or fails on the way, is recorded as failed, and the others go on; who was
    trained before is found. To abandon the iterator leaves trainings that the next time goes on
    with. Raises what `start` raises.
    """
    for person in people:
        if person.problem:
            yield _failed(person, person.problem)
    able = [person for person in people if not person.problem]
    for done in engine.map(able, start):
        yield _failed(able[done.number], done.error) if done.result is None else done.result


def _failed(person: PersonFolder, error: str) -> Learned:
    return Learned(
        person.name, str(person.folder), FAILED,
        error=error, photos=len(person.photos), notes=person.notes,
    )  # fmt: skip


def seconds_per_step(identity: Path) -> float | None:
    """What the training that made a found identity took, as the record beside it says."""
    try:
        record = json.loads(identity.with_suffix(".json").read_text("utf-8"))["facea"]
        return float(record["seconds_per_step"]) or None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _tidy(runs: Path) -> None:
    """Of finished runs nothing is kept: a state is larger than an identity, and they are many."""
    shutil.rmtree(runs / "finished", ignore_errors=True)
    with suppress(OSError):
        runs.rmdir()
