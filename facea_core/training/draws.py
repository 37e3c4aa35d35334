"""What is random about a step, drawn on the CPU: examples, prompts, timesteps, noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .config import TrainConfig
from .tasks import EMPTY


@dataclass(frozen=True, eq=False)
class Rows:
    """Where a cache keeps each task's example, on the CPU.

    `face (P, V)` and `parts (P, V, K)` are rows by photo, variant and part; `counts (P,)` says how
    many of K a photo has, at least 1: a photo without parts lists the face there. `tasks (M,)` is
    each row's prompt in `task_prompts`.
    """

    face: Tensor
    parts: Tensor
    counts: Tensor
    tasks: Tensor


@dataclass(frozen=True, eq=False)
class Draw:
    """Everything random about one step: `rows`, `prompts`, `tasks`, `timestep`, each `(B,)` long.

    `noise (2 or 4, B, C, h, w)` is float32: the noise to predict, and what samples the latents.
    """

    rows: Tensor
    prompts: Tensor
    tasks: Tensor
    timestep: Tensor
    noise: Tensor

    def parts(self, count: int) -> Iterator[Draw]:
        """The same step in pieces of at most `count` pictures."""
        for i in range(0, len(self.rows), count):
            some = slice(i, i + count)
            yield Draw(
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
    done: int = 0,
    device: torch.device | str = "cpu",
) -> Draw:
    """Draw a step on the CPU and send it to `device`; nothing is read back.

    `shape` is (C, h, w); `samples` how many latents per item are drawn from a distribution.
    `done` steps came before. Timesteps are stratified over the batch: each one alone is uniform,
    together they spread.
    """
    count = config.batch + config.local_extra
    photo, variant, part, local, drop, jitter = torch.rand(6, count, generator=generator).unbind()
    photos, variants = rows.face.shape
    p, v = (photo * photos).long(), (variant * variants).long()
    k = (part * rows.counts[p]).long()
    is_local = (local < local_share(config, done)) | (torch.arange(count) >= config.batch)
    row = torch.where(is_local, rows.parts[p, v, k], rows.face[p, v])
    task = rows.tasks[row]
    prompt = torch.where(drop < config.prompt_drop, EMPTY, task)
    stratum = torch.randperm(count, generator=generator)
    timestep = ((stratum + jitter) * (timesteps / count)).long().clamp(max=timesteps - 1)
    noise = torch.randn(1 + samples, count, *shape, generator=generator)
    numbers = _send(torch.stack([row, prompt, task, timestep]), device)
    row, prompt, task, timestep = numbers.unbind()
    return Draw(row, prompt, task, timestep, _send(noise, device))


def local_share(config: TrainConfig, done: int) -> float:
    """Which share of the items is local after `done` steps; see `config.curriculum`."""
    over = config.curriculum * config.steps
    return config.local_ratio * (min(done / over, 1.0) if over else 1.0)


def _send(tensor: Tensor, device: torch.device | str) -> Tensor:
    # Only from pinned memory does the copy go on beside the host's work.
    pinned = tensor.pin_memory() if torch.device(device).type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)
