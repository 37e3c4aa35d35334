"""Everything random about a training step, drawn on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .config import TrainConfig
from .tasks import GLOBAL, PRIOR, task_names

PRIOR_EMPTY = 0.25
"""Of the items that keep what the model paints, how many have no prompt."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Where a cache keeps each task's example, on the CPU.

    `face (P, V)` and `parts (P, V, K)` are rows by photo, variant and part; `counts (P,)` says how
    many of K a photo has, at least 1: a photo without parts lists the face there. `tasks (M,)` is
    the number of each row's task in `task_prompts`, where 0 is the empty prompt, and `asked (P,)`
    that of the prompt for each photo's whole face.
    """

    asked: Tensor
    face: Tensor
    parts: Tensor
    counts: Tensor
    tasks: Tensor


@dataclass(frozen=True, eq=False)
class Draw:
    """Everything random about one step: `rows`, `prompts`, `tasks`, `timestep`, each `(B,)` long.

    `noise (1 or 3, B, C, h, w)` is float32: the noise to predict, and what samples the latents.
    """

    rows: Tensor
    prompts: Tensor
    tasks: Tensor
    timestep: Tensor
    noise: Tensor

    def parts(self, count: int) -> Iterator[tuple[int, Draw]]:
        """The same step in pieces of at most `count` images, each with the number of its first."""
        for i in range(0, len(self.rows), count):
            some = slice(i, i + count)
            yield i, Draw(
                self.rows[some], self.prompts[some], self.tasks[some], self.timestep[some],
                self.noise[:, some],
            )  # fmt: skip

    def copy_(self, other: Draw) -> None:
        """Take over the values of another draw of this size."""
        for spec in fields(self):
            getattr(self, spec.name).copy_(getattr(other, spec.name))


def draw_step(
    rows: Rows,
    config: TrainConfig,
    shape: Sequence[int],
    generator: torch.Generator,
    *,
    samples: int = 0,
    timesteps: int = 1000,
    device: torch.device | str = "cpu",
) -> Draw:
    """Draw a step on the CPU and send it to `device`; nothing is read back.

    `shape` is (C, h, w); `samples` how many latents per item are drawn from a distribution.
    Timesteps are stratified over the batch: each one alone is uniform,
    together they spread.
    """
    count = config.items
    photo, variant, part, local, drop, jitter = torch.rand(6, count, generator=generator).unbind()
    photos, variants = rows.face.shape
    p, v = (photo * photos).long(), (variant * variants).long()
    k = (part * rows.counts[p]).long()
    item = torch.arange(count)
    prior = item >= count - config.prior_extra
    extra = ~prior & (item >= config.batch)
    row = torch.where((local < config.local_ratio) | extra, rows.parts[p, v, k], rows.face[p, v])
    task = rows.tasks[row]
    asked = torch.where(row == rows.face[p, v], rows.asked[p], task)
    prompt = torch.where(drop < config.prompt_drop, 0, asked)
    if config.prior_extra:
        # By the class alone or in words that are not learned, whose prompts follow it, or by none.
        kept = task_names(config).index(PRIOR)
        alone = (task == task_names(config).index(GLOBAL)) & (drop < (1 + PRIOR_EMPTY) / 2)
        plain = torch.where(alone, kept, kept + task)
        prompt = torch.where(prior, torch.where(drop < PRIOR_EMPTY, 0, plain), prompt)
        task = torch.where(prior, kept, task)
    stratum = torch.randperm(count, generator=generator)
    timestep = ((stratum + jitter) * (timesteps / count)).long().clamp(max=timesteps - 1)
    noise = torch.randn(1 + samples, count, *shape, generator=generator)
    numbers = _send(torch.stack([row, prompt, task, timestep]), device)
    row, prompt, task, timestep = numbers.unbind()
    return Draw(row, prompt, task, timestep, _send(noise, device))


def _send(tensor: Tensor, device: torch.device | str) -> Tensor:
    # Only from pinned memory does the copy go on beside the host's work.
    pinned = tensor.pin_memory() if torch.device(device).type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)
