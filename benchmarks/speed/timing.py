"""A few steps of one contender, timed: by events on CUDA, by processor seconds elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any, Protocol

import torch


class Watch(Protocol):
    """Who is told of the moments of a run: of its start, then of every step."""

    def start(self) -> None:
        """All is ready; the first step follows. The last call counts."""
        ...

    def enqueued(self) -> None:
        """All of this step's work is on its way, and the host goes on to wait for it."""
        ...

    def tick(self, done: int) -> None:
        """This many steps are done, or on their way."""
        ...


@dataclass(frozen=True)
class Run:
    """What a contender answers: the loss of each step, as far as it was asked for, and its mode."""

    losses: tuple[float, ...] = ()
    mode: str = "eager"


Contender = Callable[[Watch], Run]
"""Trains from a fresh start, and puts everything back."""


@dataclass(frozen=True)
class Pattern:
    """Steps of a block: `warm` are not counted, `steps` run freely, before `alone` the host waits.

    Only on CUDA the host can run ahead, and there the steps `alone` tell what it does itself.
    """

    warm: int
    steps: int
    alone: int = 0

    @property
    def total(self) -> int:
        return self.warm + self.steps + self.alone


@dataclass(frozen=True)
class Block:
    """Seconds of each step, of the device or by wall clock; see `Pattern`.

    `mean` is the wall clock's over all free steps; `host` what the host did itself in a step;
    `first` the first step; `warm_up` what the warm steps took beyond their pace. `memory` are the
    most bytes (allocated, reserved) on the device since before the first step.
    """

    seconds: tuple[float, ...]
    wall: tuple[float, ...]
    mean: float
    host: tuple[float, ...]
    first: float
    warm_up: float
    memory: tuple[int, int] | None
    losses: tuple[float, ...]
    mode: str


@dataclass(eq=False)
class Clock:
    """Notes the moments of a block on this device."""

    device: torch.device
    pattern: Pattern
    moments: list[tuple[float, float]] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    host: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    sent: float | None = None

    def start(self) -> None:
        self.moments = [self._wait()]

    def enqueued(self) -> None:
        self.sent = perf_counter()

    def tick(self, done: int) -> None:
        now = perf_counter()
        free = self.pattern.warm + self.pattern.steps
        if self.device.type == "cuda" and self.pattern.warm <= done <= free:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.events.append(event)
        if done in (self.pattern.warm, free):
            self.whole.append(self._wait()[0])
        if done > free:
            self.host.append((self.sent or now) - self.moments[-1][0])
            self._wait()
        self.sent = None
        self.moments.append((perf_counter(), process_time()))

    def block(self, run: Run, memory: tuple[int, int] | None) -> Block:
        warm, steps = self.pattern.warm, self.pattern.steps
        pairs = list(zip(self.moments, self.moments[1:], strict=False))
        wall = [b[0] - a[0] for a, b in pairs]
        if self.events:
            spans = zip(self.events, self.events[1:], strict=False)
            seconds = [a.elapsed_time(b) / 1000 for a, b in spans]
        else:
            seconds = [b[1] - a[1] for a, b in pairs[warm : warm + steps]]
        mean = (self.whole[1] - self.whole[0]) / steps
        return Block(
            seconds=tuple(seconds),
            wall=tuple(wall[warm : warm + steps]),
            mean=mean,
            host=tuple(self.host),
            first=wall[0],
            warm_up=sum(wall[:warm]) - warm * mean,
            memory=memory,
            losses=run.losses,
            mode=run.mode,
        )

    def _wait(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return perf_counter(), process_time()


def measure(contender: Contender, device: torch.device, pattern: Pattern) -> Block:
    """One block; the device's memory is counted from zero."""
    on_cuda = device.type == "cuda"
    gc.collect()
    if on_cuda:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    clock = Clock(device, pattern)
    run = contender(clock)
    memory = None
    if on_cuda:
        torch.cuda.synchronize()
        memory = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return clock.block(run, memory)
