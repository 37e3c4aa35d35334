"""Everybody learned, each as `facea train` would, by any engine; who fails is recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from ..audit import AuditConfig
from ..audit.learnable import audited_photos, found_photos
from ..backbone import Backbone, inspect_checkpoint, load_backbone
from ..backbone.load import default_dtype, pick_device
from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.found import smear_note
from ..detection.load import load_detector
from ..engines import Engine, Start
from ..identity import Subject, start_notes, vocabularies
from ..identity_store.store import train_once, trained_file
from ..training import (
    Origin,
    Plan,
    TrainConfig,
    check_channels,
    free_memory,
    plan_training,
    require_room,
)
from ..types import BackboneSpec, OnStep, OnTick, Photo
from .folders import Person

TRAINED, FOUND, FAILED = "trained", "found", "failed"

RUNS = "runs"
"""The folder in the folder of identities in which each person has one for unfinished trainings."""


@dataclass(frozen=True)
class Learned:
    """What became of one person.

    `steps` and `seconds` are those of this time, reading the photos included; `resumed_from` is the
    step that an earlier time had come to, `loss` the last one that was reported, `file` the
    identity, `error` why there is none.
    """

    name: str
    folder: str
    state: str
    steps: int = 0
    resumed_from: int = 0
    seconds: float = 0.0
    loss: float | None = None
    error: str = ""
    file: str = ""
    photos: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Learner:
    """Learns one person after the other on one backbone: a `Worker`.

    Their identities come to be in `out`, as `train_once` puts them there, and it is `train_once`
    that calls `on_step` and `on_tick`.
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

    def __call__(self, person: Person) -> Learned:
        """Raises as `found_photos`, `audited_photos` and `train_once` do."""
        began, notes = perf_counter(), list(person.notes)
        photos = self._photos(person, notes)
        starts = [person.class_noun, *(one.name for one in self.training.table)]
        notes += start_notes(starts, vocabularies(self.backbone))
        runs = self.out / RUNS / person.name
        trained = train_once(
            photos, self.backbone, self.training, self.out, runs,
            Subject(person.name, person.class_noun), 
            on_step=self.on_step, on_tick=self.on_tick, plan=self.plan,
        )  # fmt: skip
        _tidy(runs)
        record = trained.record
        return Learned(
            person.name,
            str(person.folder),
            FOUND if record["cached"] else TRAINED,
            record["steps_run"],
            record["resumed_from"],
            round(perf_counter() - began, 2),
            record.get("loss"),
            file=str(trained.path),
            photos=len(photos),
            notes=(*notes, *record["notes"]),
        )

    def trained_file(self, person: Person) -> Path | None:
        """The identity that would be found; nothing is changed. Raises as reading photos does."""
        photos = self._photos(person, [])
        subject = Subject(person.name, person.class_noun)
        origin = Origin.of(photos, self.backbone.hash, self.training, subject)
        asked = self.training.resolution or self.backbone.spec.resolution
        return trained_file(origin, self.out, self.plan.resolution, asked)

    def _photos(self, person: Person, notes: list[str]) -> list[Photo]:
        photos = found_photos(
            person.photos, self.detector, self.detection, self.audit.policy, notes.append,
            captions=self.captions,
        )  # fmt: skip
        notes += smear_note(self.backbone.spec.family, [photo.attributes for photo in photos])
        return audited_photos(photos, self.detection.table, self.audit, notes.append)


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
    people: Sequence[Person], start: Start[Person, Learned], engine: Engine
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


def _failed(person: Person, error: str) -> Learned:
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
