"""Handing units out to slots, each a process of one kind or another that works on one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import EngineError, FaceAError
from .base import TRIES, Done, U


class Lost(Exception):
    """The process of a slot ended before it answered; the message says how."""


class Slot(Protocol):
    """A process in which `start` was called, or is being called."""

    def ask(self, unit: Any) -> None:
        """Have it work on a unit. One that is dead already is found so by `answer`."""
        ...

    def answer(self) -> tuple[Any, str]:
        """Result and error of what it was asked. Raises `Lost`.

        The first answer is that of `start`: (None, "") where it went well, else the kind of the
        `FaceAError` that was raised, None for any other, and its message.
        """
        ...


S = TypeVar("S", bound=Slot)


def hand_out(
    units: Sequence[U],
    slots: int,
    open_slot: Callable[[int], S],
    wait: Callable[[list[S]], list[S]],
    stop: Callable[[list[S]], None],
) -> Iterator[Done[Any]]:
    """The outcome of each unit, as `Engine.map` promises it, from so many slots at most.

    `open_slot` makes the slot of a place (0 …), `wait` blocks until one slot at least has answered
    or is dead, `stop` ends slots whatever they do.
    """
    fresh = ((number, 0) for number in range(len(units)))
    again: list[tuple[int, int]] = []
    """Units whose process was lost: the number, and how often it was begun."""
    idle: list[S] = []
    busy: dict[S, tuple[int, int] | None] = {}
    """What each slot works on; None = on starting."""
    places: dict[S, int] = {}
    failed = dict.fromkeys(range(min(slots, len(units))), 0)
    """How often the slot of each place was lost while it started, one time after the other."""

    def open_at(place: int) -> None:
        slot = open_slot(place)
        places[slot], busy[slot] = place, None

    def set_to_work() -> None:
        while idle:
            job = again.pop() if again else next(fresh, None)
            if job is None:
                return
            slot, (number, tries) = idle.pop(), job
            busy[slot] = (number, tries + 1)
            slot.ask(units[number])

    def collect(slot: S) -> Done[Any] | None:
        job = busy.pop(slot)
        try:
            result, error = slot.answer()
        except Lost as lost:
            stop([slot])
            return replace_lost(places.pop(slot), job, str(lost))
        idle.append(slot)
        if job is not None:
            return Done(job[0], result, error, job[1])
        if error:
            raise _failure(result, error)
        failed[places[slot]] = 0
        return None

    def replace_lost(place: int, job: tuple[int, int] | None, how: str) -> Done[Any] | None:
        if job is None:
            failed[place] += 1
            if failed[place] == TRIES:
                raise EngineError(
                    f"a worker ended {TRIES} times while it started ({how}); with fewer workers "
                    "each has more memory"
                )
        open_at(place)
        if job is None or job[1] < TRIES:
            again.extend([job] if job is not None else [])
            return None
        text = f"its process ended {TRIES} times ({how}); with fewer workers each has more memory"
        return Done(job[0], None, text, job[1])

    try:
        for place in failed:
            open_at(place)
        left = len(units)
        while left:
            done = [collect(slot) for slot in wait(list(busy))]
            set_to_work()
            for one in done:
                if one is not None:
                    left -= 1
                    yield one
    finally:
        stop(list(places))


def _failure(kind: type[FaceAError] | None, text: str) -> Exception:
    """What `start` raised in another process."""
    return RuntimeError(f"a worker could not start: {text}") if kind is None else kind(text)
