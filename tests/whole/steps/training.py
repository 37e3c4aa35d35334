"""A short training, and how alike two are."""

from dataclasses import replace

import torch

from facea_core.backbone import Backbone
from facea_core.training import TrainConfig, train_identity
from facea_core.types import Identity, StepReport

from ...unit.photos import make_photo

CONFIG = TrainConfig(
    attributes="eyes,mouth", steps=4, batch=4, rank=2, variants=1, report_every=1, save_every=1
)


def train(backbone: Backbone, **options) -> tuple[Identity, list[StepReport]]:
    reports: list[StepReport] = []
    passed = {key: options.pop(key) for key in ("run_dir", "resume", "previewer") if key in options}
    identity = train_identity(
        [make_photo()], backbone, replace(CONFIG, **options), on_step=reports.append, **passed
    )
    return identity, reports


def assert_close(one: Identity, other: Identity) -> None:
    assert one.lora.keys() == other.lora.keys()
    for layer, weights in one.lora.items():
        torch.testing.assert_close(weights.up, other.lora[layer].up, atol=2e-5, rtol=1e-2)
    for mine, theirs in zip(one.words, other.words, strict=True):
        torch.testing.assert_close(mine.vectors, theirs.vectors, atol=2e-5, rtol=1e-3)
