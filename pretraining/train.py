"""The one loop of pre-training: pieces of a few minutes, each going on where the last one stopped.

Started by `torchrun --nproc-per-node 2`, its processes share the work: on a CPU two of one thread
each get more done than one of two threads.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from facea_core.seeds import seeded

from .muon import optimisers

Loss = Callable[[torch.Generator], Tensor]
"""The loss of one batch, everything random in it drawn from the generator."""

T = TypeVar("T")
WARM_UP, AVERAGE = 100, 0.995
FILE_SIZE = 15_000_000


@dataclass(frozen=True)
class Piece:
    """One run: at most `minutes`, the rate falling evenly from `first` to `last` times its height.

    `steps` ends it earlier; `batch` None = the stage's own for a CPU. Another `seed` for each piece
    paints other people for it. `half` computes in bfloat16, as a GPU always does.
    """

    folder: Path
    minutes: float = 9.0
    first: float = 1.0
    last: float = 1.0
    steps: int | None = None
    seed: int = 0
    device: str = "cpu"
    batch: int | None = None
    compiled: bool = False
    half: bool = False

    def compile(self, function: Callable[..., T]) -> Callable[..., T]:
        return torch.compile(function, dynamic=False) if self.compiled else function


def worker() -> tuple[int, int]:
    """(number of this process, number of processes)."""
    if not dist.is_initialized() and "WORLD_SIZE" in os.environ:
        dist.init_process_group("gloo")
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def train_piece(
    name: str, network: nn.Module, loss: Loss, piece: Piece, rate: float
) -> dict[str, float]:
    """Train `network` in place; it ends as the moving average of its weights.

    State and figures lie in `piece.folder` under `name`; the weights themselves go on unaveraged.
    Returns the figures: steps and seconds of all pieces so far, and the loss at the end.
    """
    rank, workers = worker()
    kind = torch.device(piece.device).type
    network.to(memory_format=torch.channels_last).requires_grad_(True).train()  # type: ignore
    parameters: list[Tensor] = list(network.parameters())
    averages = [p.detach().clone() for p in parameters]
    both = optimisers(network, rate)
    heights = [group["lr"] for one in both for group in one.param_groups]
    path = piece.folder / name
    done = _resume(path, network, averages, both)
    step, recent = int(done["steps"]), float("nan")
    bar = tqdm(desc=name, total=100, unit="%", disable=rank > 0)
    start = time.monotonic()
    for passed in _passed(piece):
        factor = piece.first + (piece.last - piece.first) * passed
        factor *= min(1.0, (step + 1) / WARM_UP)
        groups = (group for one in both for group in one.param_groups)
        for group, height in zip(groups, heights, strict=True):
            group["lr"] = height * factor
        # Going on needs no random state: everything random comes from the step's number.
        seed = ((piece.seed * 1_000_003 + step) * workers + rank) % 2**63
        with torch.autocast(kind, torch.bfloat16, enabled=piece.half or kind != "cpu"):
            value = loss(seeded(seed))
        value.backward()
        _share(parameters, workers)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for one in both:
            one.step()
            one.zero_grad(set_to_none=True)
        step += 1
        with torch.no_grad():
            torch._foreach_lerp_(averages, parameters, max(1 - AVERAGE, 1 / (step + 1)))
        if step % 10 == 0 or recent != recent:
            now = float(value.detach())
            recent = now if recent != recent else 0.9 * recent + 0.1 * now
            bar.set_postfix(step=step, loss=f"{recent:.4f}", refresh=False)
        bar.update(round(100 * passed) - bar.n)
    bar.close()
    done = {"steps": step, "seconds": done["seconds"] + time.monotonic() - start, "loss": recent}
    if rank == 0:
        _save(path, network, averages, both, done)
    with torch.no_grad():
        for parameter, mean in zip(parameters, averages, strict=True):
            parameter.copy_(mean)
    network.requires_grad_(False).eval()
    return done


def _passed(piece: Piece) -> Iterator[float]:
    """The share of the piece that has passed, before each step; all processes see the same."""
    start, step = time.monotonic(), 0
    while True:
        passed = (time.monotonic() - start) / (60 * piece.minutes)
        if piece.steps is not None:
            passed = max(passed, step / piece.steps)
        share = torch.tensor(passed)
        if dist.is_initialized():
            dist.broadcast(share, 0)
        if share >= 1:
            return
        yield float(share)
        step += 1


def _share(parameters: list[Tensor], workers: int) -> None:
    """Every process gets the mean of all gradients."""
    if workers == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= workers
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _save(path: Path, network: nn.Module, averages, both, done: dict[str, float]) -> None:
    """Several files of at most 15 MB, put into their place together."""
    state = {f"weights.{k}": v for k, v in network.state_dict().items()}
    state |= {f"average.{i}": v for i, v in enumerate(averages)}
    for number, one in enumerate(both):
        for i, parameter in enumerate(p for group in one.param_groups for p in group["params"]):
            for key, value in one.state[parameter].items():
                state[f"optimiser.{number}.{i}.{key}"] = value
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, value in state.items():
        size += value.nbytes
        if size > FILE_SIZE and shards[-1]:
            shards.append({})
            size = value.nbytes
        shards[-1][key] = value.detach().contiguous().cpu()
    for number, shard in enumerate(shards):
        save_file(shard, partial / f"state-{number}.safetensors")
    (partial / "figures.json").write_text(json.dumps(done, indent=2) + "\n", "utf-8")
    shutil.rmtree(path, ignore_errors=True)
    partial.rename(path)


def _resume(path: Path, network: nn.Module, averages, both) -> dict[str, float]:
    figures = path / "figures.json"
    if not figures.exists():
        return {"steps": 0, "seconds": 0.0, "loss": float("nan")}
    state: dict[str, Tensor] = {}
    for file in sorted(path.glob("*.safetensors")):
        state |= load_file(file)
    network.load_state_dict({k[8:]: v for k, v in state.items() if k.startswith("weights.")})
    for i, mean in enumerate(averages):
        mean.copy_(state[f"average.{i}"])
    for number, one in enumerate(both):
        for i, parameter in enumerate(p for group in one.param_groups for p in group["params"]):
            prefix = f"optimiser.{number}.{i}."
            one.state[parameter] = {
                k[len(prefix) :]: v.to(parameter.device) for k, v in state.items()
                if k.startswith(prefix)
            }  # fmt: skip
    return json.loads(figures.read_text("utf-8"))
