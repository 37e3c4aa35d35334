"""The loss, and its sums between two reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..errors import TrainingError
from .tasks import EMPTY, GLOBAL, PRIOR


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

    `sums (T, 2)` holds the sum and the count for each of `tasks`, in the order of `task_prompts`.
    """

    def __init__(self, tasks: Sequence[str], device: torch.device | str) -> None:
        self.tasks = tuple(tasks)
        self.sums = torch.zeros(len(self.tasks), 2, device=device)
        self.rows = torch.arange(len(self.tasks), device=device)[:, None]
        # Counted on the device: a step that is replayed cannot be told its number.
        self.done, self.bad = torch.zeros(2, dtype=torch.long, device=device).unbind()

    def add(self, loss: Tensor, tasks: Tensor, norm: Tensor) -> None:
        """Count `loss (B,)` under `tasks (B,)`; remember the first step that is not finite."""
        # A product instead of a scatter: the same bits on every device and in every run.
        hit = (tasks[None] == self.rows).to(loss.dtype)
        self.sums += torch.stack([(hit * loss).sum(1), hit.sum(1)], dim=1)
        broken = ~(loss.isfinite().all() & norm.isfinite()) & (self.bad == 0)
        self.done += 1
        self.bad += broken * self.done

    @property
    def pending(self) -> bool:
        """Whether anything was counted since the last `take`; reads from the device."""
        return bool(self.sums[:, 1].any())

    def check(self, state: Path | None) -> None:
        """Raise `TrainingError` if a loss or gradient was not finite; reads from the device."""
        if step := int(self.bad):
            kept = f"the last good state is kept in {state}; " if state else ""
            raise TrainingError(
                f"the loss or its gradient is not finite at step {step}; {kept}lower lora_lr and "
                "embedding_lr, or load the model as float32 or bfloat16"
            )

    def take(self) -> tuple[float, dict[str, float], dict[str, float]]:
        """(mean loss, by task, by attribute) since the last call, and start anew."""
        rows = dict(zip(self.tasks, self.sums.tolist(), strict=True))
        self.sums.zero_()
        mean = {task: total / count for task, (total, count) in rows.items() if count}
        local = [rows[task] for task in mean if task not in (EMPTY, GLOBAL, PRIOR)]
        tasks = {task: mean[task] for task in (GLOBAL, PRIOR) if task in mean}
        if local:
            tasks["local"] = sum(t for t, _ in local) / sum(c for _, c in local)
        attributes = {task: mean[task] for task in mean if task not in (EMPTY, GLOBAL, PRIOR)}
        items = sum(count for _, count in rows.values())
        return sum(t for t, _ in rows.values()) / max(items, 1), tasks, attributes
