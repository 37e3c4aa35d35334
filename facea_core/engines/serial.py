"""Units of work one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .base import Done, R, Start, U, attempt


class Serial:
    """Nothing is pickled; a KeyboardInterrupt reaches the worker itself.

    `cancels` are the exceptions by which a host cancels its work: they are no unit's error, and end
    everything.
    """

    def __init__(self, cancels: tuple[type[Exception], ...] = ()) -> None:
        self.cancels = cancels

    def map(self, units: Sequence[U], start: Start[U, R]) -> Iterator[Done[R]]:
        if not len(units):
            return
        worker = start()
        for number in range(len(units)):
            yield Done(number, *attempt(worker, units[number], self.cancels))
