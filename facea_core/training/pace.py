"""How fast a run goes, and how far the host may run ahead of the device."""

from __future__ import annotations

from collections import deque
from time import perf_counter

import torch

AHEAD = 2
"""Steps that may wait on the device: enough to keep it busy, few enough to be stopped at once."""


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


class Leash:
    """Keeps the host at most `AHEAD` steps ahead of a CUDA device; elsewhere it never is."""

    def __init__(self, device: torch.device) -> None:
        self.on_cuda = device.type == "cuda"
        self.events: deque[torch.cuda.Event] = deque()

    def step(self) -> None:
        """Call after every step."""
        if not self.on_cuda:
            return
        event = torch.cuda.Event()
        event.record()
        self.events.append(event)
        if len(self.events) > AHEAD:
            self.events.popleft().synchronize()
