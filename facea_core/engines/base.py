"""What every engine promises: `Engine.map` over units of work, and the outcome of each, `Done`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..errors import FaceAError

U = TypeVar("U")
R = TypeVar("R")

Worker = Callable[[U], R]
"""Does one unit of work. What it returns is pickled where the engine has other processes."""

Start = Callable[[], Callable[[U], R]]
"""Makes the worker: called once in each process or actor, it loads what all units share.

It is pickled, as units are: a function of a module, or a frozen dataclass with `__call__`.
"""

TRIES = 3
"""How often a unit is begun whose process was killed each time."""


@dataclass(frozen=True)
class Done(Generic[R]):
    """The outcome of one unit: its number in the sequence, and a result or an error.

    `error` is "" where the unit was done; else `result` is None. `tries` is how often it was begun,
    1 unless its process was killed.
    """

    number: int
    result: R | None
    error: str = ""
    tries: int = 1


class Engine(Protocol):
    """Runs units of work that do not depend on each other."""

    def map(self, units: Sequence[U], start: Start[U, R]) -> Iterator[Done[R]]:
        """The outcome of each unit, once, as it is done: in any order.

        Units are taken from the sequence when a worker is free for them, so that few are in memory.
        What the worker of a unit raises is its error, and the others go on: a `FaceAError` by its
        message, anything else by its type too. Neither is tried again. A process that is killed
        costs its unit, which is begun again in another, `TRIES` times at most.

        To abandon the iterator (`close`, or an exception in between) stops the workers within half
        a second. They have that long to save what they do: they see a KeyboardInterrupt, except
        with Ray. Raises what `start` raises; where that is no `FaceAError` and was raised in
        another process, a RuntimeError that names it.
        """
        ...


def attempt(
    worker: Worker[U, R], unit: U, cancels: tuple[type[Exception], ...] = ()
) -> tuple[R | None, str]:
    """Result and error of one unit, of which one is None or ""; `cancels` pass through."""
    try:
        return worker(unit), ""
    except cancels:
        raise
    except Exception as error:
        return None, said(error)


def said(error: Exception) -> str:
    """An error as the outcome of a unit has it: never empty."""
    if isinstance(error, FaceAError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"
