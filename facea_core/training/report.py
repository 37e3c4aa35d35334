"""What a run tells of itself on the way: losses, time to go, and preview images within a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter

import torch
from torch import Tensor

from ..machine import is_out_of_memory
from ..types import OnStep, StepReport
from .config import TrainConfig
from .gpu.cuda_graph import WARM_UP
from .memory import Plan
from .optimiser import rates
from .state import Checkpoint

PREVIEW_SHARE, PREVIEW_SHARE_CPU = 0.05, 0.1
"""The share of a run's time that its previews may take."""


@dataclass(eq=False)
class Reporter:
    """Calls `on_step` where a report is due, with an image of `paint` where a preview is.

    `mode` says how steps are run. The time of a step is measured since the last report: neither the
    first steps nor previews count.
    """

    config: TrainConfig
    checkpoint: Checkpoint
    plan: Plan
    on_step: OnStep | None
    paint: Callable[[], Tensor] | None
    mode: Callable[[], str]
    began: float = field(default_factory=perf_counter)
    spent: float = 0.0
    last: float = 0.0

    def __post_init__(self) -> None:
        self.first = self.checkpoint.done
        self.restart()

    def restart(self) -> None:
        """The time of a step is measured from here on."""
        self.since, self.at = self.checkpoint.done, perf_counter()

    def step_done(self) -> None:
        """Call after every step."""
        if self.checkpoint.done - self.first <= WARM_UP + 1:
            self.restart()
        self.report_if_due()

    def report_if_due(self) -> None:
        done, config = self.checkpoint.done, self.config
        shows = self.paint is not None and due(done, config.preview_every, config)
        told = shows or done >= config.steps or due(done, config.report_every, config)
        if self.on_step is None or not told:
            return
        self.checkpoint.losses.check(self.checkpoint.path)
        seconds, eta = self.times()
        # First: who stops the run here shall find the losses where they were.
        previews = self.previews() if shows and self.affords(seconds, eta) else None
        loss, tasks, attributes = self.checkpoint.losses.take()
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
            painting=self.spent,
            mode=self.mode(),
            plan=str(self.plan),
        )
        self.on_step(report)
        self.restart()

    def affords(self, seconds: float, eta: float) -> bool:
        """Whether a preview is within its share of the run."""
        on_cpu = self.checkpoint.losses.sums.device.type == "cpu"
        share = self.config.preview_share or (PREVIEW_SHARE_CPU if on_cpu else PREVIEW_SHARE)
        return within_budget(share, self.spent, self.last, seconds, eta)

    def times(self) -> tuple[float, float]:
        """(seconds since the start, seconds still to go)."""
        done, now = self.checkpoint.done, perf_counter()
        if done > self.since:
            step = (now - self.at) / (done - self.since)
        else:
            step = (now - self.began) / max(done - self.first, 1)
        return now - self.began, step * (self.config.steps - done)

    @torch.no_grad()
    def previews(self) -> Tensor | None:
        """What the model paints now, on the CPU; None where there is no memory for it."""
        if self.paint is None:
            return None
        began = perf_counter()
        try:
            return self.paint().float().cpu()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        finally:
            self.last = perf_counter() - began
            self.spent += self.last
        # An image on the way is not worth the run.
        self.paint = None
        note = "no previews: there is no memory for them"
        self.plan = replace(self.plan, notes=(*self.plan.notes, note))
        return None


def due(done: int, every: int, config: TrainConfig) -> bool:
    """Whether something that happens every so many steps, and at the end, happens now."""
    return every > 0 and (done % every == 0 or done == config.steps)


def within_budget(share: float, spent: float, last: float, seconds: float, eta: float) -> bool:
    """Whether another preview is within a share of a run, after `seconds` with `eta` to go.

    `spent` seconds went into previews so far, `last` into the latest: the first one is free, for
    nobody knows yet what it takes. Nor is the share of what is still to come spent yet: the last
    steps want to be seen too.
    """
    if share >= 1:
        return True
    return spent + last <= share * (seconds + eta) and spent <= share * seconds
