"""The steps of a run, one after another: counted, reported, and saved when due."""

from __future__ import annotations

from collections.abc import Callable

from ..types import OnTick
from .config import TrainConfig
from .gpu.in_flight import in_flight_limit
from .memory import Plan
from .optimiser import set_rates
from .report import Reporter, due
from .state import Checkpoint


def run_steps(
    step: Callable[[], None],
    config: TrainConfig,
    checkpoint: Checkpoint,
    plan: Plan,
    reporter: Reporter,
    on_tick: OnTick | None = None,
) -> None:
    """Call `step`, which draws and learns, until all of `config.steps` are done.

    Whatever is raised in it, or by `on_tick` (after every step), the state is saved first.
    """
    throttle = in_flight_limit(checkpoint.losses.sums.device)
    with checkpoint.saved_on_exception(plan):
        # A run that was stopped before its last report makes that report now.
        if checkpoint.done and checkpoint.losses.pending:
            reporter.report_if_due()
        while checkpoint.done < config.steps:
            set_rates(checkpoint.optimiser, checkpoint.done, config)
            step()
            checkpoint.advance()
            throttle()
            if on_tick is not None:
                on_tick(checkpoint.done, config.steps)

            # Preview, report, save: only here does the host wait for the device.
            reporter.step_done()
            if due(checkpoint.done, config.save_every, config):
                checkpoint.losses.check(checkpoint.path)
                checkpoint.flush()  # the one before
                checkpoint.save(plan)
