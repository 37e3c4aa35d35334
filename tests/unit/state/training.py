"""A short training in a run directory."""

import json
from dataclasses import replace
from pathlib import Path

from safetensors import safe_open

from facea_core.backbone import Backbone
from facea_core.identity import save_identity
from facea_core.training import TrainConfig, train_identity
from facea_core.training.state import STATE_FILE
from facea_core.training.writer import settle
from facea_core.types import Identity

from ..photos import make_photo

CONFIG = TrainConfig(
    attributes="eyes", steps=5, batch=1, rank=2, variants=1, report_every=1, save_every=2,
    warmup=2, decay="linear",
)  # fmt: skip


def train(backbone: Backbone, run_dir: Path | None, resume: bool = False, **changes) -> Identity:
    photos = changes.pop("photos", None) or [make_photo()]
    options = {k: changes.pop(k) for k in ("on_step", "subject") if k in changes}
    config = replace(CONFIG, **changes)
    return train_identity(photos, backbone, config, run_dir=run_dir, resume=resume, **options)


def saved_step(run_dir: Path) -> int:
    settle()
    with safe_open(run_dir / STATE_FILE, framework="pt") as file:
        return json.loads(file.metadata()["facea.state"])["step"]


def bytes_of(identity: Identity, path: Path) -> bytes:
    save_identity(identity, path)
    return path.read_bytes()
