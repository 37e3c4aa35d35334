"""Counting what became of changed files, with an eye on time and memory."""

from __future__ import annotations

import resource
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from facea_core.errors import FaceAError

LIMIT = 20
"""Seconds after which a file counts as a hang."""

MEMORY = 1 << 30
"""Bytes by which the process may grow at most."""

REFUSED, RIGHT = "refused", "right"
GOOD = (REFUSED, RIGHT)
HANG = "HANG"


class WrongError(AssertionError):
    """What must never happen, in a few words."""


class _HangError(BaseException):
    pass


@dataclass
class Tally:
    """Outcomes by kind of change; `first` holds an example of each that must never happen."""

    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    first: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0
    grown: int = 0

    def take(self, kind: str, seed: int, work: Callable[[], str]) -> None:
        """Count what `work` says became of the file, or what it raised."""
        before, began = _memory(), time.process_time()
        try:
            with _within(LIMIT):
                said = work()
        except FaceAError:
            said = REFUSED
        except WrongError as error:
            said = f"WRONG: {error}"
        except _HangError:
            said = HANG
        except Exception as error:
            said = f"{type(error).__name__}"
            self.first.setdefault(said, f"{kind}, seed {seed}: {error!s:.100}")
        self.slowest = max(self.slowest, time.process_time() - began)
        self.grown += _memory() - before
        self.kinds[kind][said] += 1
        if said not in GOOD:
            self.first.setdefault(said, f"{kind}, seed {seed}")

    @property
    def total(self) -> Counter[str]:
        return sum(self.kinds.values(), Counter())

    @property
    def faults(self) -> dict[str, str]:
        """What must never happen and did, with an example; empty if all laws hold."""
        large = {"memory": f"{self.grown >> 20} MiB"} if self.grown > MEMORY else {}
        return {**self.first, **large}

    def lines(self) -> Iterator[str]:
        columns = [*GOOD, *sorted(set(self.total) - set(GOOD))]
        width = max(len(kind) for kind in self.kinds)
        yield " | ".join([f"{'':{width}}", *(f"{column:>8}" for column in columns)])
        for kind, counted in [*self.kinds.items(), ("all", self.total)]:
            cells = (f"{counted[column]:{max(8, len(column))}}" for column in columns)
            yield " | ".join([f"{kind:{width}}", *cells])
        yield f"slowest {self.slowest:.2f} s CPU, memory grew by {self.grown >> 20} MiB"
        for fault, example in self.faults.items():
            yield f"FAULT {fault} ({example})"


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _memory() -> int:
    """The most that the process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
