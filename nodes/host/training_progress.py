"""What trainings say while they run: on the node, and a few lines in the console."""

from __future__ import annotations

import logging

from ...facea_core.types import StepReport
from .progress import Progress

_LOG = logging.getLogger(__name__)


class TrainingProgress:
    """Of a run of `steps` on the node `node`; `name` is who is learned."""

    def __init__(self, name: str, steps: int, node: str):
        self.progress = Progress(steps, node)
        self._name, self._steps, self._tenths = name, steps, 0

    def begin(self, what: str, plan: str) -> None:
        self.progress.say(f"{what}; preparing the photos …")
        _LOG.info("FaceA, %s: %s; %s", self._name, what, plan)

    def encode(self, done: int, total: int) -> None:
        self.progress.prepare("preparing the photos", done, total)

    def step(self, report: StepReport) -> None:
        if report.previews is not None:
            self.progress.show(report.step, report.total, report.previews[:1])
        self.progress.say(_line(report))
        before, self._tenths = self._tenths, 10 * report.step // report.total
        if self._tenths > before:
            _LOG.info("FaceA, %s: %s", self._name, _line(report))

    def stopped(self) -> None:
        self.progress.say(_stopped(self.progress.done, self._steps))


class PeopleProgress:
    """Of one run of `steps` after the other on the node `node`, one for each of `people`.

    The bar is of all their steps. Every call may raise a cancel.
    """

    def __init__(self, people: int, steps: int, node: str):
        self.progress = Progress(people * steps, node)
        self._people, self._steps, self._begun, self._name = people, steps, 0, ""

    def begin(self, name: str) -> None:
        self._begun, self._name = self._begun + 1, name
        self.progress.at(self._before, self._total)
        self.say("looking at the photos …")

    def say(self, text: str) -> None:
        self.progress.say(f"{self._who} · {text}")

    def encode(self, done: int, total: int) -> None:
        self.progress.prepare(f"{self._who} · preparing the photos", done, total)

    def tick(self, done: int, _: int) -> None:
        self.progress.at(self._before + done, self._total)

    def step(self, report: StepReport) -> None:
        if report.previews is not None:
            done = self._before + report.step
            self.progress.show(done, self._total, report.previews[:1])
        self.say(_line(report))

    def stopped(self) -> None:
        step = self.progress.done - self._before
        self.say(_stopped(step, self._steps))
        _LOG.info("FaceA, %s: %s", self._name, _stopped(step, self._steps))

    @property
    def _who(self) -> str:
        return f"{self._name}, {self._begun} of {self._people}"

    @property
    def _before(self) -> int:
        """The steps of all who came before."""
        return max(self._begun - 1, 0) * self._steps

    @property
    def _total(self) -> int:
        return self._people * self._steps


def _line(report: StepReport) -> str:
    minutes, seconds = divmod(round(report.eta), 60)
    return (
        f"step {report.step} of {report.total} · loss {report.loss:.4f} · "
        f"{minutes}:{seconds:02} left"
    )


def _stopped(step: int, total: int) -> str:
    """The last line of a training that was cancelled: what stands there stays."""
    if not step:
        return "stopped before the first step; queue again to begin"
    return f"stopped at step {step} of {total}; queue again to go on"
