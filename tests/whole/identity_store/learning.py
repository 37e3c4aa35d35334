"""Ada, learned on the miniature into a folder of identities and one of unfinished runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from facea_core.backbone import Backbone
from facea_core.composing import ComposeConfig, inpaint
from facea_core.identity import identity_tensors
from facea_core.identity.subject import Subject
from facea_core.identity_store.store import (
    Trained,
    train_once,
)
from facea_core.training import TrainConfig, face_previewer
from facea_core.training.writer import settle
from facea_core.types import Identity

from ...unit.photos import small_photo

CONFIG = TrainConfig(
    attributes="eyes",
    steps=4,
    batch=1,
    rank=2,
    variants=1,
    report_every=2,
    preview_every=2,
    preview_share=1.0,
)
SHORT = replace(CONFIG, steps=1, seed=1)


class Stop(Exception):
    """What a host raises to cancel."""


def learn(backbone: Backbone, place: Path, **changes) -> Trained:
    """Ada, with her identities in `place`/facea and unfinished runs in `place`/runs."""
    photo, config = changes.pop("photo", None) or small_photo(), changes.pop("config", CONFIG)
    paint = face_previewer(
        inpaint, ComposeConfig(steps=1, cfg=1.0), photo, backbone, config, subject=Subject("ada")
    )
    options = {"name": "ada", "class_noun": "woman", "previewer": paint, **changes}
    try:
        subject = Subject(options.pop("name", "ada"), options.pop("class_noun", "person"))
        return train_once(
            [photo], backbone, config, place / "facea", place / "runs", subject, **options
        )
    finally:
        settle()


def begins(backbone: Backbone, place: Path, **changes) -> bool:
    """Whether this call trains; stopped before it does."""

    def stop(done: int, total: int) -> None:
        raise Stop

    try:
        learn(backbone, place, on_tick=stop, on_encode=stop, **changes)
    except Stop:
        return True
    return False


def files(folder: Path) -> dict[str, bytes]:
    paths = folder.iterdir() if folder.exists() else ()
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def same(one: Identity, other: Identity) -> bool:
    mine, theirs = identity_tensors(one), identity_tensors(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


# Stopped


def stopping(backbone: Backbone, where: str, step: int) -> dict[str, Callable]:
    """Callbacks for `learn` of which one raises at this step."""
    now = 0
    config = ComposeConfig(steps=1, cfg=1.0)
    paint = face_previewer(inpaint, config, small_photo(), backbone, CONFIG, subject=Subject("ada"))

    def raise_at(place: str, done: int) -> None:
        if (place, done) == (where, step):
            raise Stop

    def on_tick(done: int, total: int) -> None:
        nonlocal now
        now = done
        raise_at("tick", done)

    def previewer(words):
        raise_at("preview", now)
        return paint(words)

    return {
        "on_tick": on_tick,
        "previewer": previewer,
        "on_step": lambda report: raise_at("report", report.step),
    }
