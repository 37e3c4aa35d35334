"""Units of work in several processes of this machine, each of which works on one at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from time import monotonic
from typing import Any

from .base import Done, R, Start, U, attempt
from .place import begin, default_workers, settle, surroundings
from .pool import Lost, hand_out

GRACE = 0.4
"""Seconds that workers which are stopped have for saving what they do."""

_CONTEXT = get_context("spawn")
"""Nothing of this process is copied: a forked process of one that used CUDA or threads hangs."""


class Processes:
    """`workers` processes, 0 = one for each GPU, else one for each core; never more than units."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers

    def map(self, units: Sequence[U], start: Start[U, R]) -> Iterator[Done[R]]:
        workers = min(self.workers or default_workers(), len(units))

        def open_slot(place: int) -> _Slot:
            return _Slot(start, surroundings(place, workers))

        return hand_out(units, workers, open_slot, _answered, _stop)


class _Slot:
    def __init__(self, start: Start[Any, Any], environment: dict[str, str]) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(theirs, environment), daemon=True)
        with _without_interrupts():
            self.process.start()
        theirs.close()
        # Not an argument: to unpickle it imports what works, which reads the environment first.
        self.ask(start)

    def ask(self, unit: Any) -> None:
        with suppress(OSError):
            self.pipe.send(unit)

    def answer(self) -> tuple[Any, str]:
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(1)
            raise Lost(_ending(self.process.exitcode)) from None


def _answered(slots: list[_Slot]) -> list[_Slot]:
    ready = wait([slot.pipe for slot in slots])
    return [slot for slot in slots if slot.pipe in ready]


def _stop(slots: list[_Slot]) -> None:
    until = monotonic() + GRACE
    try:
        for slot in slots:
            slot.process.terminate()
        for slot in slots:
            slot.process.join(max(until - monotonic(), 0))
    finally:
        for slot in slots:
            slot.process.kill()
        for slot in slots:
            slot.process.join()
            slot.process.close()
            slot.pipe.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that is started within never sees Ctrl-C: the shell sends that to all of them.

    This process sees it afterwards. On Windows the worker turns it off as it starts.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return f"by {signal.Signals(-code).name}"


def _serve(pipe: Connection, environment: dict[str, str]) -> None:
    """What the process does: start, then answer until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    Thread(target=_leave_with_parent, daemon=True).start()
    settle(environment)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        worker, kind, text = begin(pipe.recv())
        pipe.send((kind, text))
        while worker is not None:
            _send(pipe, attempt(worker, pipe.recv()))


def _send(pipe: Connection, answer: tuple[Any, str]) -> None:
    try:
        pipe.send(answer)
    except BrokenPipeError:
        raise
    except Exception as error:  # The result cannot be pickled; nothing of it was sent.
        pipe.send((None, f"{type(error).__name__}: {error}"))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _leave_with_parent() -> None:
    """Nobody waits for a worker whose parent was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
