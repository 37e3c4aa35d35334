"""Test-time fine-tuning from photos to identity, in the best way that fits in memory."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch

from .. import __version__
from ..attributes import attribute_table
from ..backbone import Backbone
from ..errors import BackboneError, TrainingError
from ..identity.adapters import frozen
from ..identity.lora import lora
from ..identity.names import check_class_noun, check_name
from ..identity.words import finished_words, learnable_words
from ..types import BackboneSpec, Identity, IdentityMeta, OnStep, OnTick, Photo
from .cache import photos_hash
from .config import TrainConfig
from .free_memory import free_memory, require_room
from .gpu.allocator import launch_note
from .gpu.attention import lean_attention
from .gpu.blocks import fused_kernels, lean_blocks
from .gpu.footprint import as_current, is_out_of_memory, searched_convolutions
from .losses import Losses
from .memory import Plan, plan_training, resolution_down, step_down
from .optimiser import make_optimiser
from .outside import watching
from .run import Calls, Judge, Previewer, Run, Task
from .state import Checkpoint, Origin, Saved, read_state
from .tasks import GLOBAL, check_photo, local_tasks, task_prompts

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


def train_identity(
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    *,
    name: str = "person",
    class_noun: str = "person",
    on_step: OnStep | None = None,
    on_tick: OnTick | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    previewer: Previewer | None = None,
    judge: Judge | None = None,
    plan: Plan | None = None,
) -> Identity:
    """Learn the person in `photos` (FaceA-Net, AAAI 2025); the backbone comes out as it went in.

    With `run_dir` the state is saved there every `config.save_every` steps and on any exception, by
    a thread that the exception does not wait for; `resume` goes on from it, and the result has the
    same bytes as that of an uninterrupted run. To cancel, raise in `on_step` or `on_tick`. Every
    random number comes from `config.seed`; the global random state is not touched. `previewer` is
    called every `config.preview_every` steps. With `config.choose_every` the `judge` looks as
    often, and the step that it likes best is kept. `plan` says how the run fits on the device; None
    = as the free memory allows. If memory runs out all the same, the run goes on from where it is
    in the next cheaper way.

    Raises `TrainingError` (no photos; no judge where one is needed; nothing, or another run, to
    resume; loss not finite; out of memory in the cheapest way), `BackboneError` (a model without
    mask channels, unless `config.masked_latent`), `ConfigError` (name, class noun, attributes, more
    memory than there is), `ImageError` or `MaskError` (a photo), `AssetError` (the directory cannot
    be written).
    """
    table = attribute_table(config.attributes)
    check_name(name)
    check_class_noun(class_noun)
    if not photos:
        raise TrainingError("there are no photos to train on; give at least one, better three")
    if config.choose_every and judge is None:
        raise TrainingError(
            f"choose_every is {config.choose_every}, but there is nothing to tell likeness by; "
            "install an embedder for photographs (see the README), or set choose_every to 0"
        )
    for photo in photos:
        check_photo(photo, table)
    check_channels(backbone.spec, config)
    if note := launch_note(backbone.device):
        _LOG.warning("FaceA: %s", note)
    run_dir = Path(run_dir) if run_dir else None
    if resume and run_dir is None:
        raise TrainingError("resume needs the run directory of the run that was stopped")
    origin = Origin(config, photos_hash(photos), backbone.hash, name, class_noun, len(photos))
    prompts = task_prompts(config, name, class_noun, table)
    calls = Calls(on_step, on_tick, previewer, judge)
    task = Task(photos, backbone, config, table, prompts, calls)
    # A host may call from inside inference mode, where nothing can be trained.
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        as_current(backbone.device),
        frozen(*backbone.modules),
    ):
        saved = read_state(run_dir, origin) if resume and run_dir else None
        plan = _plan_for(backbone, config, saved, plan)
        require_room(plan, backbone.device, loaded=_weights(backbone))
        (cache, generator), plan = descend(task, plan, task.cache, resolution_down)
        words = learnable_words(backbone, name, table)
        with (
            lora(backbone.unet, config.rank, config.targets, generator=generator) as adapter,
            watching(adapter, config.outside_penalty > 0) as outside,
            lean_attention(backbone.unet),
            lean_blocks(backbone.unet, fused_kernels(backbone.device)),
            searched_convolutions(backbone.device),
        ):
            checkpoint = Checkpoint(
                run_dir=run_dir,
                origin=origin,
                trained={"words": words, "lora": adapter.flat},
                optimiser=make_optimiser(words.parameter, adapter.flat.parameter, config),
                generator=generator,
                losses=Losses(local_tasks(table), backbone.device),
            )
            if saved:
                checkpoint.restore(saved)
            # It shows at once whether the directory can be written, and is always a good one.
            checkpoint.save(plan)
            checkpoint.flush()
            # The autoencoder has done its work, and so have the text encoders if no word learns.
            idle = [backbone.vae, *(() if config.words_rate else backbone.text_encoders.values())]
            run = Run(task, cache, words, adapter, checkpoint, idle, outside)
            _, plan = descend(task, plan, run.train)
            checkpoint.flush()
            checkpoint.take_best()
            learned = adapter.learned()
    return Identity(
        name=name,
        words=finished_words(words, table),
        lora=learned,
        meta=IdentityMeta(
            family=backbone.spec.family,
            backbone_hash=origin.backbone,
            class_noun=class_noun,
            prompt=prompts[GLOBAL],
            steps=checkpoint.kept,
            seed=config.seed,
            rank=config.rank,
            config=config.to_dict(),
            tool_version=__version__,
            origin=origin.key,
            prediction=backbone.spec.prediction,
            resolution=plan.resolution,
            clip_skip=backbone.clip_skip,
        ),
    )


def check_channels(spec: BackboneSpec, config: TrainConfig) -> None:
    """Raise `BackboneError` for a model without mask channels, unless the config allows it."""
    if not spec.inpainting and not config.masked_latent:
        raise BackboneError(
            f"this {spec.family} model has no mask channels: it cannot see the picture around the "
            "face, and what it paints fits in worse. Load an inpainting checkpoint, or set "
            "masked_latent to learn on this one all the same"
        )


def descend(
    task: Task,
    plan: Plan,
    work: Callable[[Plan], T],
    cheaper: Callable[[Plan, BackboneSpec, TrainConfig, torch.dtype], Plan | None] = step_down,
) -> tuple[T, Plan]:
    """`work(plan)`, in the next cheaper way each time that memory runs out, and the plan it took.

    Raises `TrainingError` if there is no cheaper way.
    """
    spec, dtype = task.backbone.spec, task.backbone.dtype
    while True:
        try:
            return work(plan), plan
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said = str(error).partition("\n")[0]
        # Only here is what the failed work held on the device let go.
        gc.collect()
        torch.cuda.empty_cache()
        lower = cheaper(plan, spec, task.config, dtype)
        if lower is None:
            raise TrainingError(
                f"memory ran out ({said}) with {plan.line()}; close other programs, or lower "
                "resolution, rank or micro_batch"
            )
        plan = lower


def best_plan(backbone: Backbone, config: TrainConfig) -> Plan:
    """The best way to train on this backbone in the memory that is free now.

    Raises `ConfigError` for a resolution that the model cannot have.
    """
    free, loaded = free_memory(backbone.device), _weights(backbone)
    return plan_training(backbone.spec, config, backbone.dtype, free, loaded=loaded)


def _plan_for(
    backbone: Backbone, config: TrainConfig, saved: Saved | None, plan: Plan | None
) -> Plan:
    """The plan of a saved run again, for equal bytes, but for what the config states by now.

    Without one, the given plan; else the best one.
    """
    if saved is not None and saved.plan:
        was = "on" if saved.plan["checkpointing"] else "off"
        config = replace(
            config,
            resolution=config.resolution or saved.plan["resolution"],
            micro_batch=config.micro_batch or saved.plan["micro_batch"],
            checkpointing=was if config.checkpointing == "auto" else config.checkpointing,
        )
    elif plan is not None:
        return plan
    return best_plan(backbone, config)


def _weights(backbone: Backbone) -> int:
    return sum(value.nbytes for m in backbone.modules for value in m.parameters())
