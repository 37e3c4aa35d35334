"""Who competes: two loops as others write them, and ours with and without a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from facea_core.backbone import Backbone
from facea_core.training import train_identity
from facea_core.training.gpu.footprint import on_device
from facea_core.types import StepReport

from .baselines import ATTENTION, Step, diffusers_style, kohya_style
from .task import Task
from .timing import Contender, Run, Watch

DIFFUSERS, DIFFUSERS_CACHED = "diffusers", "diffusers, cached"
KOHYA, KOHYA_ATTENTION = "kohya", "kohya, attention"
EAGER, CAPTURED = "facea eager", "facea captured"

UPSTREAM = {
    DIFFUSERS: "huggingface/diffusers 58eb52c0, examples/dreambooth, as FaceA re-implements it",
    DIFFUSERS_CACHED: "the same with latents computed before the loop",
    KOHYA: "kohya-ss/sd-scripts 48d368fa, train_network.py, as FaceA re-implements it",
    KOHYA_ATTENTION: "the same with a LoRA on attention only, as the others have",
    EAGER: "train_identity, capture off",
    CAPTURED: "train_identity, the step as one CUDA graph",
}
"""What each contender stands for."""


def contenders(task: Task, *, every_loss: bool = False) -> dict[str, Contender]:
    """All that can run on the task's device, by name; ours tells its losses if asked for each."""
    styles: Mapping[str, Callable[[Task], AbstractContextManager[Step]]] = {
        DIFFUSERS: diffusers_style,
        DIFFUSERS_CACHED: partial(diffusers_style, cached=True),
        KOHYA: kohya_style,
        KOHYA_ATTENTION: partial(kohya_style, targets=ATTENTION),
    }
    found: dict[str, Contender] = {
        name: partial(theirs, task, style, parked=name != DIFFUSERS)
        for name, style in styles.items()
    }
    found[EAGER] = partial(ours, task, capture="off", every_loss=every_loss)
    if task.backbone.device.type == "cuda":
        found[CAPTURED] = partial(ours, task, capture="auto", every_loss=every_loss)
    return found


def theirs(
    task: Task,
    style: Callable[[Task], AbstractContextManager[Step]],
    watch: Watch,
    *,
    parked: bool,
) -> Run:
    """A loop around one of the baselines; where latents are cached its autoencoder is `parked`."""
    backbone, losses = task.backbone, []
    away = (backbone.vae,) if parked else ()
    with on_device("cpu", *away), as_loaded(backbone), style(task) as step:
        watch.start()
        for number in range(len(task.draws)):
            loss = step(number)
            watch.enqueued()
            losses.append(loss.item())
            watch.tick(number + 1)
    return Run(tuple(losses))


def ours(task: Task, watch: Watch, *, capture: str, every_loss: bool) -> Run:
    """`train_identity`, all of it; without `every_loss` it reports once, at the end."""
    config = replace(
        task.config,
        capture=capture,
        report_every=1 if every_loss else task.config.steps,
        save_every=task.config.steps,
    )
    losses, modes = [], []

    def on_step(report: StepReport) -> None:
        losses.append(report.loss)
        modes.append(report.mode)

    train_identity(
        task.photos, task.backbone, config, on_step=on_step,
        # Until the last image is encoded the clock begins anew.
        on_encode=lambda *_: watch.start(), on_tick=lambda done, _: watch.tick(done),
    )  # fmt: skip
    return Run(tuple(losses) if every_loss else (), modes[-1])


@contextmanager
def as_loaded(backbone: Backbone) -> Iterator[None]:
    """Weights in rows, as diffusers and kohya leave them, for a while; ours are channels-last."""
    if backbone.device.type != "cuda":
        yield
        return
    modules: tuple[Any, ...] = (backbone.unet, backbone.vae)
    try:
        for module in modules:
            module.to(memory_format=torch.contiguous_format)
        yield
    finally:
        for module in modules:
            module.to(memory_format=torch.channels_last)
