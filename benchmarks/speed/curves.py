"""The fast loop against plain float32: the same draws must give the same losses, step for step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import torch

from facea_core.backbone import Backbone
from facea_core.training.config import TrainConfig
from facea_core.types import Photo

from .contenders import CAPTURED, DIFFUSERS_CACHED, EAGER, contenders
from .gates import CURVE, Gate
from .task import lay_open

Make = Callable[[torch.dtype], Backbone]


class Nobody:
    """A `Watch` that looks at nothing."""

    def start(self) -> None:
        pass

    def enqueued(self) -> None:
        pass

    def tick(self, done: int) -> None:
        pass


def compare_curves(
    model: str, make: Make, photos: Sequence[Photo], config: TrainConfig
) -> dict[str, Any]:
    """Losses of `config.steps` steps: the plain loop in float32, ours in bfloat16.

    `make(dtype)` gives the backbone. The latents are those of the reference's autoencoder in
    bfloat16 too: each loop encodes its own photos.
    """
    plain = contenders(lay_open(photos, make(torch.float32), config))[DIFFUSERS_CACHED]
    reference = plain(Nobody()).losses
    fast = contenders(lay_open(photos, make(torch.bfloat16), config), every_loss=True)
    run = fast.get(CAPTURED, fast[EAGER])(Nobody())
    apart = [abs(a - b) / abs(b) for a, b in zip(run.losses, reference, strict=True)]
    return {
        "model": model,
        "steps": config.steps,
        "mode": run.mode,
        "largest": max(apart),
        "mean": fmean(apart),
        "float32": list(reference),
        "bfloat16": list(run.losses),
    }


def curve_gates(curve: dict[str, Any]) -> list[Gate]:
    """The largest difference of any step; NaN is no pass."""
    return [Gate(f"{curve['model']}: loss curve in bfloat16", curve["largest"], CURVE)]
