"""The loop: step after step, with reports, previews and saved states on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from math import nan
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..attributes import Attribute
from ..backbone import Backbone
from ..backbone.prompts import Words
from ..errors import AssetError, TrainingError
from ..identity.flat import Flat
from ..identity.lora import Lora
from ..identity.words import by_placeholder
from ..seeds import seeded
from ..types import OnStep, OnTick, Photo, StepReport
from .cache import LatentCache, build_cache
from .config import TrainConfig
from .gpu.cuda_graph import WARM_UP, captured
from .gpu.footprint import checkpointed, is_out_of_memory, on_device
from .memory import Plan
from .optimiser import rates, set_rates
from .outside import Outside
from .pace import Budget, Leash, Pace
from .state import Checkpoint, read_state
from .step import Step
from .tasks import GLOBAL

_LOG = logging.getLogger(__name__)

Previewer = Callable[[Words], Tensor]
"""Words -> pictures `(N, 3, H, W)`, painted by the U-Net as it is then; see `face_previewer`."""
Judge = Callable[[Words], float]
"""Words -> how like the person the U-Net paints them as it is then, more is better: `face_judge`"""


class Calls(NamedTuple):
    """Who is told of what happens in the loop, who paints previews, who judges."""

    on_step: OnStep | None
    on_tick: OnTick | None
    previewer: Previewer | None
    judge: Judge | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned from, and on."""

    photos: Sequence[Photo]
    backbone: Backbone
    config: TrainConfig
    table: Sequence[Attribute]
    prompts: Sequence[str]
    calls: Calls

    def cache(self, plan: Plan) -> tuple[LatentCache, torch.Generator]:
        """The photos at the plan's resolution, and the generator that their crops came from."""
        spec = replace(self.backbone.spec, resolution=plan.resolution)
        backbone = replace(self.backbone, spec=spec)
        generator = seeded(self.config.seed)
        cache = build_cache(
            self.photos, backbone, self.table, self.config, generator, self.calls.on_tick
        )
        return cache, generator


@dataclass(eq=False)
class Run:
    """A task under way: what it trains, where it is saved, and which modules it seldom needs."""

    task: Task
    cache: LatentCache
    words: Flat
    lora: Lora
    checkpoint: Checkpoint
    idle: Sequence[nn.Module]
    outside: Outside | None = None
    crowded: bool = False

    def train(self, plan: Plan) -> None:
        """From wherever the run is to its last step, in this way."""
        # Moving idle modules to and fro takes longer than a preview: not where there is room.
        stays = not self.crowded and plan.has_room(self.idle)
        self.crowded = True  # whoever comes here again ran out of memory
        with on_device("cpu", *(() if stays else self.idle)):
            self._train(plan)

    def _train(self, plan: Plan) -> None:
        backbone, config, checkpoint = self.task.backbone, self.task.config, self.checkpoint
        device = backbone.device
        self._make_whole()
        self._fit(plan)
        prompts = self.task.prompts if config.has_local else self.task.prompts[: GLOBAL + 1]
        # Where nothing learns to read, the encoders are elsewhere but for this once.
        reading = on_device(device, *self.idle) if config.words_rate == 0 else nullcontext()
        with torch.no_grad(), reading:
            step = Step(
                backbone, config, self.cache,
                backbone.prepare_prompts(prompts, by_placeholder(self.words.values())),
                self.words, self.lora, checkpoint.optimiser, checkpoint.losses, plan.micro_batch,
                outside=self.outside,
            )  # fmt: skip
            if config.words_rate == 0:
                step = replace(step, fixed=step.encode())
        run, pace, leash = (
            captured(step, checkpoint, device, config.capture),
            Pace(checkpoint.done),
            Leash(device),
        )
        tell = Teller(self, plan, pace, Budget(device, config.preview_share))
        on_tick, first = self.task.calls.on_tick, checkpoint.done
        with checkpointed(backbone.unet, plan.checkpointing):
            try:
                # Whoever was stopped before the last step could be told of is told now.
                self._look()
                if first and checkpoint.losses.pending:
                    tell(run.mode)
                while not self.finished:
                    # Draw everything random about this step, on the CPU.
                    draw = self.cache.draw(config, checkpoint.generator, checkpoint.done)
                    set_rates(checkpoint.optimiser, checkpoint.done, config)
                    run(draw)
                    checkpoint.advance()
                    leash.step()
                    if on_tick is not None:
                        on_tick(checkpoint.done, config.steps)

                    # Look, preview, report, save: only here does the host wait for the device.
                    self._look()
                    if checkpoint.done - first <= WARM_UP + 1:
                        pace.mark(checkpoint.done)
                    tell(run.mode)
                    if due(checkpoint.done, config.save_every, config):
                        checkpoint.losses.check(checkpoint.path)
                        checkpoint.flush()  # the one before
                        checkpoint.save(plan)
            except BaseException:
                if checkpoint.whole and checkpoint.done > first:
                    with suppress(AssetError, RuntimeError):  # the first exception is to be told
                        checkpoint.losses.check(None)
                        checkpoint.save(plan)
                raise

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or too many looks brought nothing better."""
        config, checkpoint = self.task.config, self.checkpoint
        stale = checkpoint.best is not None and 0 < config.patience <= checkpoint.best.since
        return checkpoint.done >= config.steps or stale

    def _look(self) -> None:
        """Where a look is due that has not been taken: keep the weights if they are the best."""
        config, checkpoint, judge = self.task.config, self.checkpoint, self.task.calls.judge
        done = checkpoint.done
        if judge is None or not done or not due(done, config.choose_every, config):
            return
        if checkpoint.best is None or checkpoint.best.looked < done:
            checkpoint.losses.check(checkpoint.path)
            checkpoint.look(self._score(judge))

    def _score(self, judge: Judge) -> float:
        """NaN if there is no memory for a look: that is not worth the run."""
        try:
            with torch.no_grad(), on_device(self.task.backbone.device, *self.idle):
                self.lora.bind()
                return judge(by_placeholder(self.words.views()))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        _LOG.warning("FaceA cannot look which step is best: there is no memory for it")
        return nan

    def _make_whole(self) -> None:
        """Back to the last completed step, or the last saved one if the weights are between two."""
        if self.checkpoint.whole:
            # What was drawn for a step that failed is drawn for it again.
            self.checkpoint.generator.set_state(self.checkpoint.random)
            return
        if self.checkpoint.run_dir is None:
            raise TrainingError(
                "memory ran out while the weights were changing, and there is no run directory to "
                "go on from; give one, or train with checkpointing on"
            )
        self.checkpoint.restore(read_state(self.checkpoint.run_dir, self.checkpoint.origin))

    def _fit(self, plan: Plan) -> None:
        side = plan.resolution // self.task.backbone.spec.latent_factor
        if self.cache.shape[1] != side:
            with on_device(self.task.backbone.device, *self.idle):
                self.cache, _ = self.task.cache(plan)


@dataclass(eq=False)
class Teller:
    """Reports of a run, with pictures where they are due and there is memory for them."""

    run: Run
    plan: Plan
    pace: Pace
    budget: Budget
    paints: bool = True

    def __call__(self, mode: str) -> None:
        config, calls, checkpoint = self.run.task.config, self.run.task.calls, self.run.checkpoint
        done = checkpoint.done
        shows = calls.previewer is not None and due(done, config.preview_every, config)
        told = shows or self.run.finished or due(done, config.report_every, config)
        if calls.on_step is None or not told:
            return
        checkpoint.losses.check(checkpoint.path)
        seconds, eta = self.pace.look(done, config.steps)
        # First: who stops the run here shall find the losses where they were.
        previews = self._previews() if shows and self.budget.allows(seconds, eta) else None
        loss, tasks, attributes = checkpoint.losses.take()
        report = StepReport(
            step=done,
            total=config.steps,
            loss=loss,
            task_losses=tasks,
            attribute_losses=attributes,
            rates=rates(done - 1, config),
            seconds=seconds,
            eta=eta,
            previews=previews,
            painting=self.budget.spent,
            mode=mode,
            plan=str(self.plan),
            best=checkpoint.best and (checkpoint.best.step, checkpoint.best.score),
        )
        calls.on_step(report)
        self.pace.mark(done)

    def _previews(self) -> Tensor | None:
        previewer, backbone = self.run.task.calls.previewer, self.run.task.backbone
        if previewer is None or not self.paints:
            return None
        began = perf_counter()
        try:
            with torch.no_grad(), on_device(backbone.device, *self.run.idle):
                self.run.lora.bind()
                return previewer(by_placeholder(self.run.words.views())).float().cpu()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        finally:
            self.budget.take(perf_counter() - began)
        # A picture on the way is not worth the run.
        self.paints = False
        note = "no previews: there is no memory for them"
        self.plan = replace(self.plan, notes=(*self.plan.notes, note))
        return None


def due(done: int, every: int, config: TrainConfig) -> bool:
    """Whether something that happens every so many steps, and at the end, happens now."""
    return every > 0 and (done % every == 0 or done == config.steps)
