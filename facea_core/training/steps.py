"""What a step needs beside the prediction: rates, optimiser, loss, and its bookkeeping."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from ..errors import TrainingError
from ..types import StepReport
from .config import TrainConfig
from .tasks import GLOBAL


def make_optimiser(
    words: Iterable[nn.Parameter], weights: Iterable[nn.Parameter], config: TrainConfig
) -> AdamW:
    """AdamW with two groups, each with its full `rate`; words are not decayed towards zero."""
    words, weights = list(words), list(weights)
    groups = [
        {"name": "words", "params": words, "rate": config.words_rate, "weight_decay": 0.0},
        {"name": "lora", "params": weights, "rate": config.lora_rate},
    ]
    fused = words[0].device.type in ("cpu", "cuda")
    return AdamW(groups, lr=config.lora_rate, weight_decay=config.weight_decay, fused=fused)


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


def region_loss(output: Tensor, target: Tensor, mask: Tensor, background: float = 0.0) -> Tensor:
    """Mean squared error `(B,)` of `(B, C, h, w)`, weighted 1 where mask `(B, 1, h, w)` is 1.

    The weight is `background` elsewhere. Each item is divided by its own weight, so a small part
    counts as much as a whole face (masked loss: Break-A-Scene, 2305.16311).
    """
    weight = mask + background * (1 - mask)
    error = ((output - target).square() * weight).flatten(1).sum(1)
    return error / (weight.flatten(1).sum(1) * output.shape[1])


class Losses:
    """Loss sums on the device since the last report; the host reads them only when it asks.

    `sums (T, 2)` holds the sum and the count for each row of `task_prompts`. `parts` names the rows
    of the local tasks.
    """

    def __init__(self, parts: Mapping[str, int], device: torch.device | str) -> None:
        self.parts = parts
        rows = GLOBAL + 1 + len(parts)
        self.sums = torch.zeros(rows, 2, device=device)
        self.rows = torch.arange(rows, device=device)[:, None]
        self.bad = torch.zeros((), dtype=torch.long, device=device)

    def add(self, loss: Tensor, tasks: Tensor, norm: Tensor, step: int) -> None:
        """Count `loss (B,)` under `tasks (B,)`; remember the first step that is not finite."""
        # A product instead of a scatter: the same bits on every device and in every run.
        hit = (tasks[None] == self.rows).to(loss.dtype)
        self.sums += torch.stack([(hit * loss).sum(1), hit.sum(1)], dim=1)
        broken = ~(loss.isfinite().all() & norm.isfinite()) & (self.bad == 0)
        self.bad += broken * step

    @property
    def pending(self) -> bool:
        """Whether anything was counted since the last `take`; reads from the device."""
        return bool(self.sums[:, 1].any())

    def check(self, state: Path | None) -> None:
        """Raise `TrainingError` if a loss or gradient was not finite; reads from the device."""
        if step := int(self.bad):
            kept = f"the last good state is kept in {state}; " if state else ""
            raise TrainingError(
                f"the loss or its gradient is not finite at step {step}; {kept}lower lora_rate and "
                "words_rate, or load the model as float32 or bfloat16"
            )

    def take(self) -> tuple[float, dict[str, float], dict[str, float]]:
        """(mean loss, by task, by attribute) since the last call, and start anew."""
        rows = self.sums.tolist()
        self.sums.zero_()
        mean = {i: total / count for i, (total, count) in enumerate(rows) if count}
        items = sum(count for _, count in rows)
        local = [rows[i] for i in self.parts.values() if i in mean]
        tasks = {"global": mean[GLOBAL]} if GLOBAL in mean else {}
        if local:
            tasks["local"] = sum(t for t, _ in local) / sum(c for _, c in local)
        attributes = {name: mean[i] for name, i in self.parts.items() if i in mean}
        return sum(t for t, _ in rows) / max(items, 1), tasks, attributes


class Pace:
    """How fast a run is that began after `first` steps.

    What a step takes is measured since the last `mark`: neither the first step, which warms up, nor
    previews count.
    """

    def __init__(self, first: int) -> None:
        self.first, self.began = first, perf_counter()
        self.mark(first)

    def mark(self, done: int) -> None:
        self.done, self.at = done, perf_counter()

    def look(self, done: int, total: int) -> tuple[float, float]:
        """(seconds since the start, seconds still to go)."""
        now = perf_counter()
        if done > self.done:
            step = (now - self.at) / (done - self.done)
        else:
            step = (now - self.began) / max(done - self.first, 1)
        return now - self.began, step * (total - done)


def report(
    losses: Losses,
    done: int,
    config: TrainConfig,
    optimiser: Optimizer,
    seconds: float,
    eta: float,
    previews: Tensor | None,
) -> StepReport:
    """What `on_step` receives after `done` steps."""
    loss, tasks, attributes = losses.take()
    return StepReport(
        step=done,
        total=config.steps,
        loss=loss,
        task_losses=tasks,
        attribute_losses=attributes,
        rates={group["name"]: float(group["lr"]) for group in optimiser.param_groups},
        seconds=seconds,
        eta=eta,
        previews=previews,
    )
