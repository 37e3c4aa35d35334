"""The training loop: learn one person's words and LoRA on any backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .. import __version__
from ..attributes import attribute_table
from ..backbone import Backbone
from ..backbone.prompts import Words
from ..errors import AssetError, ConfigError, TrainingError
from ..identity.adapters import extract, frozen, lora
from ..identity.words import check_name, finished_words, learnable_words, named_parameters
from ..types import Identity, IdentityMeta, OnStep, OnTick, Photo
from .cache import LatentCache, build_cache, photos_hash
from .config import TrainConfig
from .state import Checkpoint, Origin, read_state
from .steps import Losses, Pace, make_optimiser, rate_factor, region_loss, report
from .tasks import GLOBAL, check_photo, local_tasks, task_prompts

Previewer = Callable[[Words], Tensor]
"""Words -> pictures `(N, 3, H, W)`, painted by the U-Net as it is then; see `face_previewer`."""


class Calls(NamedTuple):
    """Who is told of what happens in the loop, and who paints previews."""

    on_step: OnStep | None
    on_tick: OnTick | None
    previewer: Previewer | None


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
) -> Identity:
    """Learn the person in `photos` (FaceA-Net, AAAI 2025); the backbone comes out as it went in.

    With `run_dir` the state is saved there every `config.save_every` steps and on any exception;
    `resume` goes on from it, and the result has the same bytes as that of an uninterrupted run. To
    cancel, raise in `on_step` or `on_tick`. Every random number comes from `config.seed`; the
    global random state is not touched. `previewer` is called every `config.preview_every` steps.

    Raises `TrainingError` (no photos; nothing, or another run, to resume; loss not finite),
    `ConfigError` (name, attributes), `ImageError` or `MaskError` (a photo), `AssetError` (the
    directory cannot be written).
    """
    table = attribute_table(config.attributes)
    check_name(name)
    if not class_noun.strip() or "embedding:" in class_noun:
        raise ConfigError(f"class noun is {class_noun!r}; give a word such as 'woman' or 'man'")
    if not photos:
        raise TrainingError("there are no photos to train on; give at least one, better three")
    for photo in photos:
        check_photo(photo, table)
    run_dir = Path(run_dir) if run_dir else None
    if resume and run_dir is None:
        raise TrainingError("resume needs the run directory of the run that was stopped")
    origin = Origin(config, photos_hash(photos), backbone.hash, name, class_noun)
    prompts = task_prompts(config, name, class_noun, table)
    modules = (backbone.unet, backbone.vae, *backbone.text_encoders.values())
    # A host may call from inside inference mode, where nothing can be trained.
    with torch.inference_mode(False), torch.enable_grad(), frozen(*modules):
        saved = read_state(run_dir, origin) if resume and run_dir else None
        generator = torch.Generator().manual_seed(config.seed)
        cache = build_cache(photos, backbone, table, config, generator, on_tick)
        words = learnable_words(backbone, name, table)
        with lora(backbone.unet, config.rank, config.targets, generator=generator) as weights:
            checkpoint = Checkpoint(
                run_dir=run_dir,
                origin=origin,
                parameters={**named_parameters(words), **weights},
                optimiser=make_optimiser(
                    named_parameters(words).values(), weights.values(), config
                ),
                generator=generator,
                losses=Losses(local_tasks(table), backbone.device),
            )
            first = checkpoint.restore(saved) if saved else 0
            calls = Calls(on_step, on_tick, previewer)
            _train(backbone, config, cache, prompts, words, checkpoint, first, calls)
            learned = extract(backbone.unet)
    return Identity(
        name=name,
        words=finished_words(words, table),
        lora=learned,
        meta=IdentityMeta(
            family=backbone.spec.family,
            backbone_hash=backbone.hash,
            class_noun=class_noun,
            prompt=prompts[GLOBAL],
            steps=config.steps,
            seed=config.seed,
            rank=config.rank,
            config=config.to_dict(),
            tool_version=__version__,
            origin=origin.key,
        ),
    )


def _train(
    backbone: Backbone,
    config: TrainConfig,
    cache: LatentCache,
    prompts: Sequence[str],
    words: Words,
    checkpoint: Checkpoint,
    first: int,
    calls: Calls,
) -> None:
    on_step, on_tick, previewer = calls
    generator, losses = checkpoint.generator, checkpoint.losses
    optimiser, parameters = checkpoint.optimiser, list(checkpoint.parameters.values())
    prompts = prompts if config.has_local else prompts[: GLOBAL + 1]
    # `whole` is false while the weights are between two steps and belong to neither.
    done, random, whole = first, generator.get_state(), True
    # The first state shows at once whether the directory can be written, and is always a good one.
    checkpoint.save(done, random)
    pace = Pace(first)

    def tell(done: int) -> None:
        shows = previewer is not None and _due(done, config.preview_every, config)
        if on_step is None or not (shows or _due(done, config.report_every, config)):
            return
        losses.check(checkpoint.path)
        seconds, eta = pace.look(done, config.steps)
        previews = previewer(_still(words)).float().cpu() if shows and previewer else None
        on_step(report(losses, done, config, optimiser, seconds, eta, previews))
        pace.mark(done)

    try:
        # Whoever was stopped before the last step could be told of is told now.
        if first and losses.pending:
            tell(first)
        for step in range(first, config.steps):
            # Draw everything random about this step, on the CPU.
            draw = cache.draw(config, generator)

            # Set both rates.
            for group in optimiser.param_groups:
                group["lr"] = group["rate"] * rate_factor(step, config)

            # Gather the examples and add the noise.
            latent, mask, masked_latent = cache.gather(draw.rows, draw.noise[1:])
            noisy = backbone.add_noise(latent, draw.noise[0], draw.timestep)

            # Encode each distinct prompt once, with gradient to the words.
            conditioning = backbone.encode_prompts(prompts, words).select(draw.prompts)

            # Predict, and compare inside the hole.
            output = backbone.predict(noisy, draw.timestep, conditioning, mask, masked_latent)
            target = backbone.target(latent, draw.noise[0], draw.timestep)
            loss = region_loss(output.float(), target, mask, config.background_weight)

            # Backward, clip, step.
            loss.mean().backward()
            norm = nn.utils.clip_grad_norm_(parameters, config.clip or inf)
            whole = False
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            losses.add(loss.detach(), draw.tasks, norm, step + 1)
            done, random = step + 1, generator.get_state()
            whole = True

            if on_tick is not None:
                on_tick(done, config.steps)

            # Preview, report and save: the only moments at which the host waits for the device.
            if step == first:
                pace.mark(done)
            tell(done)
            if _due(done, config.save_every, config):
                losses.check(checkpoint.path)
                checkpoint.save(done, random)
    except BaseException:
        if whole and done > first:
            with suppress(AssetError, RuntimeError):  # the first exception is the one to tell
                losses.check(None)
                checkpoint.save(done, random)
        raise


def _due(done: int, every: int, config: TrainConfig) -> bool:
    return every > 0 and (done % every == 0 or done == config.steps)


def _still(words: Words) -> dict[str, dict[str, Tensor]]:
    return {key: {e: v.detach() for e, v in vectors.items()} for key, vectors in words.items()}
