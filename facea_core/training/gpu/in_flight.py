"""How far the host may run ahead of a CUDA device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter

import torch

AHEAD = 2
"""Steps that may wait on the device: enough to keep it busy, few enough to be stopped at once."""

LONG = 0.1
"""Seconds from which on a step is long: then only one may wait, so that a stop is heard in time."""


def in_flight_limit(device: torch.device) -> Callable[[], None]:
    """To be called after every step: waits until at most `AHEAD` are left, one if they are long."""
    events: deque[torch.cuda.Event] = deque()
    at = perf_counter()

    def wait() -> None:
        nonlocal at
        event = torch.cuda.Event()
        event.record()
        events.append(event)
        now = perf_counter()
        ahead = 1 if now - at > LONG else AHEAD
        at = now
        while len(events) > ahead:
            events.popleft().synchronize()

    return wait if device.type == "cuda" else lambda: None
