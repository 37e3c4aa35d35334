"""Changed states of runs: refused, or gone on with to the bytes of a run that nobody stopped."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import torch

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.errors import FaceAError
from facea_core.identity import save_identity
from facea_core.identity.subject import Subject
from facea_core.training import TrainConfig, train_identity
from facea_core.training.state import STATE_FILE, saved_step
from facea_core.training.writer import settle
from facea_core.types import Box, FaceAttributes, Part, Photo

from .changes import CONTAINER, Change, Source, about_changed, odd, with_about
from .tally import RIGHT, Tally, WrongError

TEXT = "facea.state"
CONFIG = TrainConfig(
    attributes="eyes", steps=3, batch=1, rank=2, variants=1, report_every=1, save_every=1, warmup=2,
)  # fmt: skip


class _StopError(Exception):
    pass


def fuzz(count: int, folder: Path, seed: int = 0) -> Tally:
    """What became of `count` changed states, each by a seed of its own from `seed` on."""
    whole, tally = random_backbone(0), Tally()
    backbone = replace(whole, spec=replace(whole.spec, resolution=32))
    right = _finish(backbone, folder / "straight", resume=False)
    stopped = folder / "stopped"
    try:
        _finish(backbone, stopped, resume=False, stop=2)
    except _StopError:
        settle()
    source = Source((stopped / STATE_FILE).read_bytes(), TEXT)
    kinds = {**CONTAINER, **OWN}
    for number in range(seed, seed + count):
        kind = list(kinds)[number % len(kinds)]
        data = kinds[kind](Random(number), source)
        # Somebody who makes a checksum of his own can have the bytes that he likes.
        wanted = None if kind.endswith("sealed anew") else right
        tally.take(kind, number, lambda d=data, w=wanted: judge(d, w, backbone, folder / "run"))
    return tally


def judge(data: bytes, wanted: bytes | None, backbone: Backbone, run: Path) -> str:
    """RIGHT, or the FaceAError of whoever refuses the state; `WrongError` for other bytes."""
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    (run / STATE_FILE).write_bytes(data)
    saved_step(run)
    try:
        made = _finish(backbone, run, resume=True)
    except FaceAError as error:
        if len(str(error)) > 2000:
            raise WrongError("an error of thousands of characters") from error
        raise
    if wanted is not None and made != wanted:
        raise WrongError("other bytes")
    return RIGHT


def _finish(backbone: Backbone, run: Path, *, resume: bool, stop: int = -1) -> bytes:
    def tick(done: int, total: int) -> None:
        if done == stop:
            raise _StopError

    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    parts = (Part("eyes", Box(24, 26, 41, 31), 0.9),)
    photo = Photo(image, FaceAttributes((64, 64), Box(20, 15, 45, 50), 0.9, parts), name="photo")
    identity = train_identity(
        [photo], backbone, CONFIG, Subject("ada", "woman"), run_dir=run, resume=resume,
        on_tick=tick,
    )  # fmt: skip
    settle()
    save_identity(identity, run / "ada.safetensors")
    return (run / "ada.safetensors").read_bytes()


def part_changed(random: Random, source: Source) -> bytes:
    """The plan, the step, the best look: what decides how a run goes on."""
    about = source.about()
    key = random.choice(("plan", "plan", "step", "best", "layout", "format", "run"))
    inner = about[key]
    if isinstance(inner, dict | list) and random.random() < 0.6:
        inner[random.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))] = odd(
            random
        )
    else:
        about[key] = random.choice((odd(random), 0, 1, 2, 3))
    return with_about(random, source, about, random.choice(("kept", "dropped")))


OWN: dict[str, Change] = {
    "part changed": part_changed,
    "text changed again": about_changed,
    "part changed, sealed anew": lambda r, s: _renewed(r, part_changed(r, s)),
}
"""Those of states alone, by name."""


def _renewed(random: Random, data: bytes) -> bytes:
    source = Source(data, TEXT)
    try:
        return with_about(random, source, source.header()["__metadata__"][TEXT], "renewed")
    except ValueError:
        return data
