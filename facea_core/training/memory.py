"""How a training fits on a device: what it will need, and what to give up where that is too much.

Everything is predicted before anything is loaded. `tests/bench/bench_memory.py` counts the table of
`costs.py` and checks the predictions against runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from ..errors import ConfigError
from ..types import BackboneSpec
from .config import TrainConfig
from .costs import COSTS

STEP = 64
"""Resolutions that the fallbacks try are multiples of it."""

WORTH = 0.01
"""Share of the peak that giving something up must save."""

LEAST = 8
"""Sides of images in latent pixels begin here: the U-Nets halve them three times."""

PHOTOS = 3
"""Photos that the cache of latents is reckoned for."""

_GB = 1e9


@dataclass(frozen=True)
class Plan:
    """How a training runs, and what it is predicted to need.

    `resolution` is the side of the images in pixels; `micro_batch` how many of the step's `batch`
    images are on the device at once; `checkpointing` whether the U-Net computes its activations
    twice; `free` the bytes that were free before anything was loaded, None = unknown; `peak` the
    predicted bytes: of tensors alone where `free` is unknown, else with what CUDA itself takes;
    `notes` what was given up and why.
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
        images = "1 image" if self.batch == 1 else f"{self.batch} images"
        twice = ", checkpointing" if self.checkpointing else ""
        free = "" if self.free is None else f" of {self.free / _GB:.1f}"
        return (
            f"{self.family} {self.resolution} px, {images}{split}{twice}; "
            f"about {self.peak / _GB:.1f}{free} GB"
        )

    def has_room(self, modules: Iterable[nn.Module]) -> bool:
        """Whether these are known to fit on the device beside what is planned."""
        extra = sum(value.nbytes for module in modules for value in module.parameters())
        return self.free is not None and self.peak + extra <= self.free

    def __str__(self) -> str:
        return "; ".join((self.line(), *self.notes))


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
    least = min(LEAST * spec.latent_factor, spec.resolution)
    if config.resolution and config.resolution < least:
        raise ConfigError(
            f"resolution is {config.resolution}; give at least {least}, or 0 for the model's own "
            f"({spec.resolution})"
        )
    if config.resolution % spec.latent_factor:
        raise ConfigError(
            f"resolution is {config.resolution}; give a multiple of {spec.latent_factor}, or 0 "
            f"for the model's own ({spec.resolution})"
        )
    plans = list(_plans(spec, config, dtype, reserve=free is not None))
    if free is None:
        note = "free memory is unknown: nothing was given up to save any"
        return replace(plans[0], notes=(note,))
    free += loaded
    fitting = [one for one in plans if one.peak <= free]
    if not fitting:
        note = (
            "it may not fit: close other programs, take a smaller rank, "
            "or name a lower resolution, micro_batch 1 and checkpointing on"
        )
        return replace(plans[-1], free=free, notes=(note,))
    chosen = replace(fitting[0], free=free)
    return replace(chosen, notes=_given_up(plans[0], chosen))


def step_down(
    plan: Plan, spec: BackboneSpec, config: TrainConfig, dtype: torch.dtype
) -> Plan | None:
    """The next way whose steps need less, for when memory ran out all the same; None = none.

    Never at a higher resolution: where that was given up already, the photos did not fit.
    """

    def need(way: Plan) -> int:
        step = (way.resolution, way.micro_batch, way.checkpointing)
        return _step_bytes(spec, config, dtype, *step)

    for cheaper in _plans(spec, config, dtype, plan.free is not None, plan.resolution):
        if need(cheaper) < need(plan):
            return _instead(plan, cheaper)
    return None


def resolution_down(
    plan: Plan, spec: BackboneSpec, config: TrainConfig, dtype: torch.dtype
) -> Plan | None:
    """The same way at the next lower resolution; None = none, or the config names one.

    For when memory ran out over the photos: the autoencoder takes them one at a time, so neither
    fewer at once nor checkpointing would help.
    """
    for resolution in _resolutions(spec, config):
        if resolution < plan.resolution:
            way = (resolution, plan.micro_batch, plan.checkpointing)
            peak = _peak(spec, config, dtype, plan.free is not None, *way)
            return _instead(plan, Plan(*way, peak, None, (), spec.family, plan.batch))
    return None


def _instead(plan: Plan, lower: Plan) -> Plan:
    note = f"out of memory with: {plan.line()}"
    return replace(lower, free=plan.free, notes=(*plan.notes, note))


def predict_bytes(
    spec: BackboneSpec,
    config: TrainConfig,
    dtype: torch.dtype,
    resolution: int,
    micro_batch: int,
    checkpointing: bool,
) -> int:
    """Bytes of all tensors at the fullest moment of a training: caching, or a step."""
    costs, size = COSTS[spec.family], dtype.itemsize
    pixels = (resolution // spec.latent_factor) ** 2
    caching = (costs.text + costs.vae + costs.encode * pixels) * size
    step = _step_bytes(spec, config, dtype, resolution, micro_batch, checkpointing)
    examples = PHOTOS * config.variants * (2 + (len(config.table) if config.has_local else 0))
    cache = examples * 2 * spec.latent_channels * pixels * FLOAT
    return costs.unet * size + cache + max(caching, step)


def _prompts(config: TrainConfig) -> int:
    """How many are encoded in a step; those of captions are not known yet."""
    words = len(config.table) if config.has_local or config.prior_extra else 0
    return (2 + words) * (2 if config.prior_extra else 1)


def _step_bytes(
    spec: BackboneSpec,
    config: TrainConfig,
    dtype: torch.dtype,
    resolution: int,
    micro_batch: int,
    checkpointing: bool,
) -> int:
    """Bytes of a step beside the U-Net and the cache."""
    costs, size = COSTS[spec.family], dtype.itemsize
    pixels = (resolution // spec.latent_factor) ** 2
    # Without words to learn, the prompts are encoded once and the text encoders leave.
    text = (costs.text + costs.prompt * _prompts(config)) * size if config.embedding_lr else 0

    numbers = costs.lora[config.targets] * config.rank
    working = size if size < FLOAT else 0
    trained = numbers * (3 * FLOAT + working)  # the weight and AdamW's two moments
    parts = micro_batch < config.items
    sums = numbers * FLOAT if parts else 0
    flat, ranked = costs.step[config.targets, checkpointing]
    activations = micro_batch * pixels * (flat + ranked * config.rank) * size
    gradients = numbers * (size + FLOAT)  # of the working copy, then of the weight itself
    return trained + text + sums + max(activations, gradients)


def _plans(
    spec: BackboneSpec,
    config: TrainConfig,
    dtype: torch.dtype,
    reserve: bool,
    most: int | None = None,
) -> Iterator[Plan]:
    """Ways to train, the best first, each with steps that need less than those before.

    `most` is the highest resolution, None = the model's own.
    """
    batch, least = config.items, None
    unet = COSTS[spec.family].unet * dtype.itemsize
    for resolution in _resolutions(spec, config):
        if most is not None and resolution > most:
            continue
        for checkpointing in _checkpointing(config):
            for micro in _micro_batches(batch, config):
                peak = _peak(spec, config, dtype, reserve, resolution, micro, checkpointing)
                step = unet + _step_bytes(spec, config, dtype, resolution, micro, checkpointing)
                if least is None or step < (1 - WORTH) * least:
                    least = step
                    yield Plan(resolution, micro, checkpointing, peak, None, (), spec.family, batch)


def _peak(
    spec: BackboneSpec, config: TrainConfig, dtype: torch.dtype, reserve: bool,
    resolution: int, micro_batch: int, checkpointing: bool,
) -> int:  # fmt: skip
    """What is predicted, with what CUDA itself takes where `reserve` says so."""
    peak = predict_bytes(spec, config, dtype, resolution, micro_batch, checkpointing)
    return int(SLACK * peak) + RESERVE if reserve else peak


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
        notes.append(f"{chosen.micro_batch} of {best.micro_batch} pictures at once")
    if chosen.checkpointing and not best.checkpointing:
        notes.append("checkpointing, a third slower")
    if chosen.resolution < best.resolution:
        notes.append(f"{chosen.resolution} px instead of {best.resolution}")
    whole = f"all at once would need about {best.peak / _GB:.1f} GB"
    return (f"to save memory: {', '.join(notes)}; {whole}",) if notes else ()


FLOAT = torch.float32.itemsize

SLACK = 1.05
"""What CUDA's allocator loses between its blocks; an estimate."""

RESERVE = 500_000_000
"""Bytes for the workspaces of cuBLAS and cuDNN; an estimate."""
