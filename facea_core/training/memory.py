"""How a training fits on a device: what it will need, and what to give up where that is too much.

Everything is predicted before anything is loaded. `tests/bench/bench_memory.py` counts the table
below and checks the predictions against runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from ..attributes import attribute_table
from ..errors import ConfigError
from ..types import BackboneSpec
from .config import TrainConfig

STEP = 64
"""Resolutions that the ladder tries are multiples of it."""

PHOTOS = 3
"""Photos that the cache of latents is reckoned for; it is small."""

_GB = 1e9


@dataclass(frozen=True)
class Activations:
    """Numbers that a pass holds at its peak: for each picture, and for each of its latent pixels.

    `rank` is what a latent pixel needs more for each rank of the LoRA.
    """

    picture: float
    pixel: float
    rank: float = 0.0

    def numbers(self, pictures: int, pixels: int, rank: int = 0) -> float:
        return pictures * (self.picture + pixels * (self.pixel + rank * self.rank))


@dataclass(frozen=True)
class Costs:
    """What a family needs, in numbers of the backbone's dtype.

    `unet`, `text` and `vae` are their weights; `lora` the trained numbers for each rank, by
    targets; `step` the activations of a training step by (targets, checkpointing); `prompt` those
    of a prompt in the text encoders; `encode` and `decode` the autoencoder's for each latent pixel.
    """

    unet: int
    text: int
    vae: int
    lora: Mapping[str, int]
    step: Mapping[tuple[str, bool], Activations]
    prompt: float
    encode: float
    decode: float


@dataclass(frozen=True)
class Plan:
    """How a training runs, and what it is predicted to need.

    `resolution` is the side of the pictures in pixels; `micro_batch` how many of the step's `batch`
    pictures are on the device at once; `checkpointing` whether the U-Net computes its activations
    twice; `peak` the predicted bytes with everything included; `free` those that were free before
    anything was loaded, None = unknown; `notes` what was chosen and why.
    """

    resolution: int
    micro_batch: int
    checkpointing: bool
    peak: int
    free: int | None
    notes: tuple[str, ...] = ()
    family: str = ""
    batch: int = 0

    def line(self) -> str:
        """One line for reports."""
        split = f", {self.micro_batch} at once" if self.micro_batch < self.batch else ""
        twice = ", checkpointing" if self.checkpointing else ""
        free = "" if self.free is None else f" of {self.free / _GB:.1f}"
        return (
            f"{self.family} {self.resolution} px, {self.batch} pictures{split}{twice}; "
            f"about {self.peak / _GB:.1f}{free} GB"
        )


def plan_training(
    spec: BackboneSpec,
    config: TrainConfig,
    dtype: torch.dtype,
    free: int | None,
    *,
    loaded: int = 0,
) -> Plan:
    """The best way to train that fits into `free` bytes; None = unknown, so nothing is given up.

    `dtype` is the backbone's; `loaded` are bytes of this backbone that are on the device already.
    What the config states is kept. Where nothing fits, the smallest way with a note that says so.
    Raises `ConfigError` for a resolution that the model cannot have.
    """
    if config.resolution % spec.latent_factor:
        raise ConfigError(
            f"resolution is {config.resolution}; give a multiple of {spec.latent_factor}, or 0 "
            f"for the model's own ({spec.resolution})"
        )
    rungs = list(_ladder(spec, config, dtype))
    if free is None:
        note = "free memory is unknown: nothing was given up to save any"
        return replace(rungs[0], notes=(note,))
    free += loaded
    fitting = [rung for rung in rungs if rung.peak <= free]
    if not fitting:
        note = (
            "it may not fit: close other programs, take a smaller rank, "
            "or name a lower resolution, micro_batch 1 and checkpointing on"
        )
        return replace(rungs[-1], free=free, notes=(note,))
    chosen = replace(fitting[0], free=free)
    return replace(chosen, notes=_given_up(rungs[0], chosen))


def step_down(
    plan: Plan, spec: BackboneSpec, config: TrainConfig, dtype: torch.dtype
) -> Plan | None:
    """The next cheaper way, for after an out-of-memory error; None = there is none."""
    for rung in _ladder(spec, config, dtype):
        if rung.peak < plan.peak:
            note = f"out of memory with: {plan.line()}"
            return replace(rung, free=plan.free, notes=(*plan.notes, note))
    return None


def free_memory(device: str | torch.device) -> int | None:
    """Bytes that a training may take on `device`, those torch has in reserve included.

    None where that cannot be known, and on the CPU: there the same run must give the same bytes
    however full the machine is.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def predict_peak(
    spec: BackboneSpec,
    config: TrainConfig,
    dtype: torch.dtype,
    resolution: int,
    micro_batch: int,
    checkpointing: bool,
) -> int:
    """Bytes on the device at the fullest moment of a training: caching, a step or a preview."""
    costs, size = COSTS[spec.family], dtype.itemsize
    pixels = (resolution // spec.latent_factor) ** 2
    words = len(attribute_table(config.attributes)) if config.has_local else 0
    learns_words = config.words_rate > 0

    trained = costs.lora[config.targets] * config.rank * (TRAINED + 2 * size)
    cache = PHOTOS * config.variants * (2 + words) * 2 * spec.latent_channels * pixels * 4
    text = costs.text * size if learns_words else 0
    activations = costs.step[config.targets, checkpointing]
    step = size * activations.numbers(micro_batch, pixels, config.rank)
    prompts = size * costs.prompt * (2 + words) if learns_words else 0
    phases = [
        costs.text * size + costs.vae * size + costs.encode * pixels * size,
        trained + text + prompts + step,
    ]
    if config.preview_every:
        phases.append(trained + text + costs.vae * size + costs.decode * pixels * size)
    return int(SLACK * (costs.unet * size + cache + max(phases))) + CONTEXT


def _ladder(spec: BackboneSpec, config: TrainConfig, dtype: torch.dtype) -> Iterator[Plan]:
    """Ways to train, the best first, each needing less than the one before."""
    batch, least = config.batch + config.local_extra, None
    for resolution in _resolutions(spec, config):
        for checkpointing in _checkpointing(config):
            for micro in _micro_batches(batch, config):
                peak = predict_peak(spec, config, dtype, resolution, micro, checkpointing)
                if least is None or peak < least:
                    least = peak
                    yield Plan(resolution, micro, checkpointing, peak, None, (), spec.family, batch)


def _resolutions(spec: BackboneSpec, config: TrainConfig) -> list[int]:
    if config.resolution:
        return [config.resolution]
    lower = (spec.resolution - 1) // STEP * STEP
    return [spec.resolution, *range(lower, spec.resolution // 2 - 1, -STEP)]


def _checkpointing(config: TrainConfig) -> tuple[bool, ...]:
    return (False, True) if config.checkpointing == "auto" else (config.checkpointing == "on",)


def _micro_batches(batch: int, config: TrainConfig) -> list[int]:
    if config.micro_batch:
        return [min(config.micro_batch, batch)]
    sizes = [batch]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def _given_up(best: Plan, chosen: Plan) -> tuple[str, ...]:
    notes = []
    if chosen.micro_batch < best.micro_batch:
        notes.append(f"{chosen.micro_batch} pictures at once instead of {best.micro_batch}")
    if chosen.checkpointing and not best.checkpointing:
        notes.append("checkpointing, a third slower")
    if chosen.resolution < best.resolution:
        notes.append(f"{chosen.resolution} px instead of {best.resolution}")
    whole = f"all at once would need about {best.peak / _GB:.1f} GB"
    return (f"to save memory: {', '.join(notes)}; {whole}",) if notes else ()


TRAINED = 16
"""Bytes for each trained number: weight, gradient and AdamW's two moments, float32. A working copy
and its gradient in the backbone's dtype come to it."""

SLACK = 1.05
"""What the allocator loses between its blocks."""

CONTEXT = 700_000_000
"""cuBLAS and cuDNN workspaces."""


def _steps(
    attention: tuple[float, float], wide: tuple[float, float]
) -> dict[tuple[str, bool], Activations]:
    rows = {"attention": attention, "wide": wide}
    return {
        (targets, checkpointing): Activations(0.0, pixel)
        for targets, both in rows.items()
        for checkpointing, pixel in zip((False, True), both, strict=True)
    }


COSTS: Mapping[str, Costs] = {
    "facea-tiny": Costs(
        5_629_060, 530_000, 2_500_000, {"attention": 8_192, "wide": 49_024},
        _steps((20e3, 10e3), (24e3, 12e3)), 2e6, 33e3, 66e3,
    ),
    "sd15": Costs(
        859_535_364, 123_060_480, 83_653_863, {"attention": 199_296, "wide": 948_096},
        _steps((110e3, 24e3), (130e3, 28e3)), 15e6, 33e3, 66e3,
    ),
    "sd2": Costs(
        865_925_124, 340_387_840, 83_653_863, {"attention": 207_488, "wide": 956_288},
        _steps((110e3, 24e3), (130e3, 28e3)), 38e6, 33e3, 66e3,
    ),
    "sdxl": Costs(
        2_567_478_084, 817_720_320, 83_653_863, {"attention": 1_451_520, "wide": 3_009_920},
        _steps((190e3, 24e3), (220e3, 30e3)), 75e6, 33e3, 66e3,
    ),
}  # fmt: skip
"""By family."""
