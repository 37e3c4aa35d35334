"""Training a slider: a LoRA that adds an attribute at +1 and takes it away at -1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import torch
from torch import Tensor, nn

from ..backbone import Backbone, Conditioning
from ..errors import ConfigError, TrainingError
from ..identity.lora import Lora, lora
from ..seeds import seeded
from ..training.device_memory import plan_for, require_room
from ..training.fallback import with_fallback
from ..training.gpu.footprint import checkpointed, on_device
from ..training.gpu.learning import lean_unet, learning
from ..training.losses import Losses, region_loss
from ..training.memory import Plan, step_down
from ..training.optimiser import make_optimiser
from ..training.origin import photos_hash
from ..training.report import Reporter
from ..training.state import Checkpoint, read_state
from ..training.stepping import run_steps
from ..training.tasks import GLOBAL
from ..types import LoraWeights, OnStep, OnTick, Photo
from .config import SliderConfig, SliderOrigin
from .pool import Pool, build_pool

LEAST_CHANGE = 1e-8
"""Mean square of the difference of two prompts below which they say the same to the model."""


@dataclass(frozen=True, eq=False)
class Slider:
    """A trained slider: `lora` by layer path, what it came from, and the family it fits.

    `loss` is the part of the wanted change that it does not make: 0 = all is made, 1 = nothing.
    """

    lora: dict[str, LoraWeights]
    origin: SliderOrigin
    family: str
    prediction: str
    loss: float


def slider_origin(
    backbone_hash: str, config: SliderConfig, photos: Sequence[Photo] = ()
) -> SliderOrigin:
    """That of a training on a model with this `Backbone.hash`."""
    return SliderOrigin(config, backbone_hash, photos_hash(photos) if photos else "")


def train_slider(
    backbone: Backbone,
    config: SliderConfig,
    photos: Sequence[Photo] = (),
    *,
    on_step: OnStep | None = None,
    on_tick: OnTick | None = None,
    on_paint: OnTick | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    plan: Plan | None = None,
    origin: SliderOrigin | None = None,
) -> Slider:
    """Learn a Concept Slider (2311.12092) without pictures; the backbone comes out as it went in.

    The LoRA is held to the model's own answers: to `neutral` plus `guidance` times the difference
    of `positive` and `negative` at strength +1, minus it at -1. `photos`, if there are any, only
    give the surroundings that are painted into. With `run_dir` the state is saved there, and
    `resume` goes on from it, as in `train_identity`. To cancel, raise in `on_step`, `on_tick`
    (after every step) or `on_paint` (while the model paints what is learned on).

    Raises `ConfigError` (prompts that mean the same to the model, more memory than there is),
    `TrainingError` (another run to resume, loss not finite, out of memory), `AssetError`.
    """
    run_dir = Path(run_dir) if run_dir else None
    if resume and run_dir is None:
        raise TrainingError("resume needs the run directory of the run that was stopped")
    origin = origin or slider_origin(backbone.hash, config, photos)
    training, device = config.training, backbone.device

    with learning(backbone):
        saved = read_state(run_dir, origin) if resume and run_dir else None
        plan = plan_for(backbone, training, saved, plan)
        require_room(plan, device, loaded=backbone.bytes)

        def cheaper(plan: Plan) -> Plan | None:
            return step_down(plan, backbone.spec, training, backbone.dtype)

        def prepare(plan: Plan) -> tuple[Pool, torch.Generator]:
            at = replace(backbone, spec=replace(backbone.spec, resolution=plan.resolution))
            generator = seeded(config.seed)
            return build_pool(at, config, generator, photos, plan.micro_batch, on_paint), generator

        (pool, generator), plan = with_fallback(prepare, plan, cheaper)
        if (size := pool.size) < LEAST_CHANGE:
            raise ConfigError(
                f"the model answers {config.positive!r:.80} and {config.negative!r:.80} alike "
                f"(difference {size:.1e}): there is nothing to learn between them; use words that "
                "it was trained on"
            )
        with (
            lora(
                backbone.unet, config.rank, "no-cross", alpha=config.alpha, generator=generator
            ) as adapter,
            lean_unet(backbone),
        ):
            checkpoint = Checkpoint(
                run_dir=run_dir,
                origin=origin,
                trained={"lora": adapter.flat},
                optimiser=make_optimiser(None, adapter.flat.parameter, training),
                generator=generator,
                losses=Losses([GLOBAL], device),
            )
            if saved:
                checkpoint.restore(saved)
            checkpoint.save(plan)
            checkpoint.flush()
            idle = [backbone.vae, *backbone.text.encoders.values()]
            context = backbone.text.encode([config.neutral])

            def train(plan: Plan) -> None:
                nonlocal pool
                checkpoint.rollback()
                if pool.noisy.shape[-1] != plan.resolution // backbone.spec.latent_factor:
                    pool, _ = prepare(plan)
                away = () if plan.has_room(idle) else idle
                with on_device("cpu", *away), checkpointed(backbone.unet, plan.checkpointing):
                    step = make_step(
                        backbone, config, pool, context, adapter, checkpoint, plan.micro_batch
                    )
                    steps(plan, step)

            def steps(plan: Plan, step: Callable[[Tensor], None]) -> None:
                def drawn() -> None:
                    rows = torch.randint(len(pool), (config.batch,), generator=generator)
                    step(rows.to(device))

                reporter = Reporter(training, checkpoint, plan, on_step, None, lambda: "")
                run_steps(drawn, training, checkpoint, plan, reporter, on_tick)

            _, plan = with_fallback(train, plan, cheaper)
            checkpoint.flush()
            left = _left(backbone, config, pool, context, adapter, plan.micro_batch)
            learned = adapter.learned()
    return Slider(learned, origin, backbone.spec.family, backbone.spec.prediction, left)


def make_step(
    backbone: Backbone,
    config: SliderConfig,
    pool: Pool,
    context: Conditioning,
    adapter: Lora,
    checkpoint: Checkpoint,
    micro_batch: int,
) -> Callable[[Tensor], None]:
    """One step over `rows (B,)` of the pool, in both directions; nothing is read back from the
    device.

    The loss is the part of the wanted change that is not made yet, in mean squares.
    """
    parameter, optimiser = adapter.flat.parameter, checkpoint.optimiser
    error = _error(backbone, config, pool, context, adapter)

    def step(rows: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        found = []
        for sign in (1.0, -1.0):
            for part in rows.split(micro_batch):
                loss = error(part, sign)
                (loss.sum() / (2 * len(rows))).backward()
                found.append(loss.detach())
        norm = nn.utils.clip_grad_norm_([parameter], config.training.clip or inf)
        optimiser.step()
        losses = torch.cat(found)
        checkpoint.losses.add(losses, torch.zeros_like(losses, dtype=torch.long), norm)

    return step


def _error(
    backbone: Backbone, config: SliderConfig, pool: Pool, context: Conditioning, adapter: Lora
) -> Callable[[Tensor, float], Tensor]:
    """(rows (B,) of the pool, strength) -> how much of the wanted change is not made, `(B,)`."""
    size = pool.size * config.guidance**2

    def error(rows: Tensor, strength: float) -> Tensor:
        adapter.bind(strength)
        mask, masked = pool.places.select(pool.place[rows])
        noisy, timestep = pool.noisy[rows], pool.timestep[rows]
        output = backbone.predict(noisy, timestep, context.expand(len(rows)), mask, masked)
        target = pool.neutral[rows] + strength * config.guidance * pool.change[rows]
        return region_loss(output.float(), target, mask) / size

    return error


@torch.no_grad()
def _left(
    backbone: Backbone, config: SliderConfig, pool: Pool, context: Conditioning, adapter: Lora,
    at_once: int,
) -> float:  # fmt: skip
    """The mean of the error over the pool, in both directions."""
    error = _error(backbone, config, pool, context, adapter)
    rows = torch.arange(len(pool), device=backbone.device).split(at_once)
    return float(torch.cat([error(some, sign) for sign in (1.0, -1.0) for some in rows]).mean())
