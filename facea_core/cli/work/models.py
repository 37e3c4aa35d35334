"""The model that people are painted with, as commands are told it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...backbone import Backbone, load_backbone
from ...types import Identity
from .detectors import pick_device


class ModelFlags(Protocol):
    @property
    def base(self) -> str | Path: ...

    @property
    def prediction(self) -> str | None: ...

    @property
    def vae(self) -> Path | None: ...

    @property
    def device(self) -> str: ...


def open_backbone(flags: ModelFlags, person: Identity) -> Backbone:
    """With the layer of its text encoders that the person was learned by."""
    return load_backbone(
        flags.base, pick_device(flags.device), prediction=flags.prediction, vae=flags.vae,
        clip_skip=person.meta.clip_skip,
    )  # fmt: skip
