"""AdamW over words and LoRA, and their rates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from .config import TrainConfig


def make_optimiser(words: nn.Parameter | None, lora: nn.Parameter, config: TrainConfig) -> AdamW:
    """AdamW with a group for each, if any, with its full `rate`; words are not decayed.

    Its moments are there from the beginning, so that no step needs more memory than the others. On
    CUDA its numbers live on the device, as the replay of a graph needs them.
    """
    on_cuda = lora.device.type == "cuda"
    groups: list[dict[str, Any]] = [
        {"name": "lora", "params": [lora], "rate": config.lora_lr},
    ]
    if words is not None:
        learned = {"params": [words], "rate": config.embedding_lr, "weight_decay": 0.0}
        groups.insert(0, {"name": "words", **learned})
    fused = lora.device.type in ("cpu", "cuda")
    optimiser = AdamW(
        groups, lr=0.0, weight_decay=config.weight_decay, fused=fused, capturable=on_cuda
    )
    for group in optimiser.param_groups:
        (parameter,) = group["params"]
        optimiser.state[parameter] = {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
        if on_cuda:
            group["lr"] = torch.zeros((), device=parameter.device)
    return optimiser


def rate_factor(step: int, config: TrainConfig) -> float:
    """Share of the full rate at `step`, counted from 0: linear warm-up, then the decay."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    progress = (step - config.warmup) / max(config.steps - config.warmup, 1)
    if config.decay == "linear":
        return 1 - progress
    if config.decay == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    return 1.0


def rates(step: int, config: TrainConfig) -> dict[str, float]:
    """The rate of each group at `step`, counted from 0."""
    factor = rate_factor(step, config)
    return {"words": factor * config.embedding_lr, "lora": factor * config.lora_lr}


def set_rates(optimiser: Optimizer, step: int, config: TrainConfig) -> None:
    """Give the groups their rates for `step`, without waiting for the device."""
    now = rates(step, config)
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(now[group["name"]])
        else:
            group["lr"] = now[group["name"]]
