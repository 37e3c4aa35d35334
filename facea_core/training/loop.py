"""Test-time fine-tuning from photos to identity: the whole of it, and every step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import inf
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

from ..backbone import Backbone, Conditioning
from ..backbone.prompts import Prepared
from ..errors import TrainingError
from ..identity.flat import Flat
from ..identity.lora import Lora, lora
from ..identity.subject import SOMEBODY, Subject
from ..identity.words import by_placeholder, finished_words, learnable_words
from ..seeds import seeded
from ..types import Identity, IdentityMeta, OnStep, OnTick, Photo
from ..version import __version__
from .config import TrainConfig, check_channels
from .data import LatentCache, build_cache
from .device_memory import plan_for, require_room
from .draws import Draw
from .fallback import with_fallback
from .gpu.allocator import launch_note
from .gpu.cuda_graph import captured
from .gpu.footprint import checkpointed, on_device
from .gpu.learning import lean_unet, learning
from .losses import Losses, region_loss
from .memory import Plan, resolution_down, step_down
from .optimiser import make_optimiser
from .origin import Origin
from .preview import Previewer
from .report import Reporter
from .state import Checkpoint, read_state
from .stepping import run_steps
from .tasks import EMPTY, GLOBAL, check_photo, part_sizes, task_names, task_prompts
from .text_gradient import backward, leaves

_LOG = logging.getLogger(__name__)


def train_identity(
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    subject: Subject = SOMEBODY,
    *,
    on_step: OnStep | None = None,
    on_tick: OnTick | None = None,
    on_encode: OnTick | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    previewer: Previewer | None = None,
    plan: Plan | None = None,
    origin: Origin | None = None,
) -> Identity:
    """Train the identity in `photos` (FaceA-Net, AAAI 2025); the backbone is restored.

    With `run_dir` the state is saved there every `config.save_every` steps and on any exception, by
    a thread that the exception does not wait for; `resume` continues from it, with the same bytes
    as an uninterrupted run (on a CPU; on CUDA the fastest kernels are chosen by timing). To cancel,
    raise in `on_step`, `on_tick` (called after every step) or `on_encode` (called with the crops
    encoded and all of them, before each image). Every random number comes from `config.seed`; the
    global random state is not touched. `previewer` is called every `config.preview_every` steps.
    `plan` is the memory plan; None = as the free memory allows. If memory runs out all the same,
    the run continues with the next cheaper plan. `origin` is that of these inputs, if known.

    Raises `TrainingError` (no photos; nothing, or another run, to resume; loss not finite; out of
    memory with the cheapest plan), `BackboneError` (a model without mask channels, unless
    `config.masked_latent`), `ConfigError` (attributes, more memory than there is), `ImageError` or
    `MaskError` (a photo), `AssetError` (the directory cannot be written).
    """
    if not photos:
        raise TrainingError("there are no photos to train on; give at least one, better three")
    for photo in photos:
        check_photo(photo, config.table)
    check_channels(backbone.spec, config)
    run_dir = Path(run_dir) if run_dir else None
    if resume and run_dir is None:
        raise TrainingError("resume needs the run directory of the run that was stopped")
    if note := launch_note(backbone.device):
        _LOG.warning("FaceA: %s", note)
    origin = origin or Origin.of(photos, backbone.hash, config, subject)
    captions = [photo.caption for photo in photos]
    prompts = task_prompts(config, subject, captions)
    spec, dtype, device = backbone.spec, backbone.dtype, backbone.device

    def encode_photos(plan: Plan) -> tuple[LatentCache, torch.Generator]:
        """The photos at the plan's resolution, and the generator that their crops came from."""
        at = replace(backbone, spec=replace(spec, resolution=plan.resolution))
        generator = seeded(config.seed)
        return build_cache(photos, at, config, generator, on_encode), generator

    with learning(backbone):
        saved = read_state(run_dir, origin) if resume and run_dir else None
        plan = plan_for(backbone, config, saved, plan)
        require_room(plan, device, loaded=backbone.bytes)
        (cache, generator), plan = with_fallback(
            encode_photos, plan, lambda plan: resolution_down(plan, spec, config, dtype)
        )
        words = learnable_words(backbone, subject.name, config.table)
        with (
            lora(backbone.unet, config.rank, config.targets, generator=generator) as adapter,
            lean_unet(backbone),
        ):
            checkpoint = Checkpoint(
                run_dir=run_dir,
                origin=origin,
                trained={"words": words, "lora": adapter.flat},
                optimiser=make_optimiser(words.parameter, adapter.flat.parameter, config),
                generator=generator,
                losses=Losses(task_names(config), device),
            )
            if saved:
                checkpoint.restore(saved)
            # Shows at once whether the directory can be written; there is always a good state.
            checkpoint.save(plan)
            checkpoint.flush()
            # The autoencoder is no longer needed, nor the text encoders if no word is trained.
            idle = [backbone.vae, *(() if config.embedding_lr else backbone.text.encoders.values())]
            crowded = False

            def train(plan: Plan) -> None:
                """From wherever the run is to its last step, with this plan."""
                nonlocal cache, crowded
                # Moving idle modules takes longer than a preview, so not if there is room.
                away = () if not crowded and plan.has_room(idle) else idle
                crowded = True  # a second call means that memory ran out
                checkpoint.rollback()
                if cache.shape[1] != plan.resolution // spec.latent_factor:
                    cache, _ = encode_photos(plan)
                with on_device("cpu", *away), checkpointed(backbone.unet, plan.checkpointing):
                    steps(plan)

            def steps(plan: Plan) -> None:
                # If no word is trained, the text encoders are on the device only for this.
                reading = nullcontext() if config.embedding_lr else on_device(device, *idle)
                asked = list(prompts.values())
                if not (config.has_local or config.prior_extra or any(captions)):
                    asked = [prompts[EMPTY], prompts[GLOBAL]]
                with torch.no_grad(), reading:
                    prepared = backbone.text.prepare(asked, by_placeholder(words.values()))
                    step = make_step(
                        backbone, config, cache, prepared, words, adapter,
                        checkpoint.optimiser, checkpoint.losses, plan.micro_batch,
                    )  # fmt: skip

                def paint() -> torch.Tensor:
                    assert previewer is not None
                    with on_device(device, *idle):
                        adapter.bind()
                        return previewer(by_placeholder(words.views()))

                step, mode = captured(step, checkpoint, device, config.capture)
                painter = paint if previewer else None
                reporter = Reporter(config, checkpoint, plan, on_step, painter, mode)
                run_steps(
                    lambda: step(cache.draw(config, generator)),
                    config, checkpoint, plan, reporter, on_tick,
                )  # fmt: skip

            _, plan = with_fallback(train, plan, lambda plan: step_down(plan, spec, config, dtype))
            checkpoint.flush()
            learned = adapter.learned()
    return Identity(
        name=subject.name,
        words=finished_words(words, config.table),
        lora=learned,
        meta=IdentityMeta(
            family=spec.family,
            backbone_hash=origin.backbone,
            class_noun=subject.class_noun,
            prompt=prompts[GLOBAL],
            steps=checkpoint.done,
            seed=config.seed,
            rank=config.rank,
            config=config.to_dict(),
            tool_version=__version__,
            origin=origin.key,
            prediction=spec.prediction,
            resolution=plan.resolution,
            clip_skip=backbone.clip_skip,
            part_sizes=part_sizes(photos),
        ),
    )


def make_step(
    backbone: Backbone,
    config: TrainConfig,
    cache: LatentCache,
    prompts: Prepared,
    words: Flat,
    adapter: Lora,
    optimiser: Optimizer,
    losses: Losses,
    micro_batch: int,
) -> Callable[[Draw], None]:
    """One training step as a function of a draw: device work only, without a device sync.

    `prompts` are those of `task_prompts`, in their order. At most `micro_batch` images go through
    the U-Net at once; their gradients are accumulated.
    """
    parameters = [words.parameter, adapter.flat.parameter]

    def encode() -> Conditioning:
        return backbone.text.encode_prepared(prompts, by_placeholder(words.views()))

    constant = None if config.embedding_lr else encode()
    ordinary = config.items - config.prior_extra

    def step(batch: Draw) -> None:
        optimiser.zero_grad(set_to_none=True)

        # Encode each distinct prompt once, with gradient to the words.
        encoded = constant or encode()
        shared = leaves(encoded)
        found = []
        for first, part in batch.parts(micro_batch):
            # Gather the examples and add the noise.
            noise = part.noise[0]
            latent, mask, masked_latent = cache.gather(part.rows, part.noise[1:])
            noisy = backbone.add_noise(latent, noise, part.timestep)

            # Predict, and compare inside the mask.
            target = backbone.target(latent, noise, part.timestep)
            kept = min(max(first + len(noise) - ordinary, 0), len(noise))
            if kept:  # the last ones: what the model painted before
                adapter.bind(0)
                with torch.no_grad():
                    base = backbone.predict(
                        noisy[-kept:], part.timestep[-kept:], shared.select(part.prompts[-kept:]),
                        mask[-kept:], masked_latent[-kept:],
                    )  # fmt: skip
                target = torch.cat([target[:-kept], base.to(target)])
            adapter.bind()
            context = shared.select(part.prompts)
            output = backbone.predict(noisy, part.timestep, context, mask, masked_latent)
            loss = region_loss(output.float(), target, mask, config.background_weight)
            (loss.sum() / len(batch.rows)).backward()
            found.append(loss.detach())
        backward(encoded, shared)

        # Clip and update.
        norm = nn.utils.clip_grad_norm_(parameters, config.clip or inf)
        optimiser.step()
        losses.add(torch.cat(found), batch.tasks, norm)

    return step
