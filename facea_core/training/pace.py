"""How fast a run goes, and how far the host may run ahead of the device."""

from __future__ import annotations

from collections import deque
from time import perf_counter

import torch

AHEAD = 2
"""Steps that may wait on the device: enough to keep it busy, few enough to be stopped at once."""

LONG = 0.1
"""Seconds from which on a step is long: then only one may wait, so that a stop is heard in time."""
PAINTING, PAINTING_CPU = 0.05, 0.1
"""The share of a run's time that its previews may take."""


class Pace:
    """How fast a run is that began after `first` steps.

    What a step takes is measured since the last `mark`: neither the first steps, which warm up, nor
    previews count.
    """

    def __init__(self, first: int) -> None:
        self.first, self.began = first, perf_counter()
        self.mark(first)

    def mark(self, done: int) -> None:
        self.done, self.at = done, perf_counter()

    def look(self, done: int, total: int) -> tuple[float, float]:
        """(seconds since the start, seconds still to go)."""
        now = perf_counter()
        if done > self.done:
            step = (now - self.at) / (done - self.done)
        else:
            step = (now - self.began) / max(done - self.first, 1)
        return now - self.began, step * (total - done)


class Budget:
    """How much of a run previews may take; the first is free, for nobody knows yet what it takes.

    `share` is of the whole run's time, as far as that can be told; 0 = as the device suggests.
    """

    def __init__(self, device: torch.device, share: float = 0.0) -> None:
        self.share = share or (PAINTING_CPU if device.type == "cpu" else PAINTING)
        self.spent, self.last = 0.0, 0.0

    def allows(self, seconds: float, eta: float) -> bool:
        """Whether another preview is within it, after `seconds` with `eta` to go.

        Nor is the share of what is still to come spent yet: the last steps want to be seen too.
        """
        if self.share >= 1:
            return True
        within = self.spent + self.last <= self.share * (seconds + eta)
        return within and self.spent <= self.share * seconds

    def take(self, seconds: float) -> None:
        self.spent, self.last = self.spent + seconds, seconds


class Leash:
    """Keeps the host at most `AHEAD` steps ahead of a CUDA device, one if they are long."""

    def __init__(self, device: torch.device) -> None:
        self.on_cuda = device.type == "cuda"
        self.events: deque[torch.cuda.Event] = deque()
        self.at = perf_counter()

    def step(self) -> None:
        """Call after every step."""
        if not self.on_cuda:
            return
        event = torch.cuda.Event()
        event.record()
        self.events.append(event)
        now = perf_counter()
        ahead = 1 if now - self.at > LONG else AHEAD
        self.at = now
        while len(self.events) > ahead:
            self.events.popleft().synchronize()
