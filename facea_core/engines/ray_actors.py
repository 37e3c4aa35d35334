"""Units of work in actors of a Ray cluster, or of one that is started on this machine for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from math import inf
from threading import current_thread, main_thread
from typing import Any

from ..errors import ConfigError, MissingDependencyError, quoted
from .base import Done, R, Start, U, attempt, said
from .place import begin, cores, settle, threads_of
from .pool import Lost, hand_out


class RayActors:
    """`workers` actors, 0 = as many as the cluster has GPUs or cores for; never more than units.

    On a cluster of several machines FaceA is installed on each. Its memory and processes are Ray's:
    where an actor finds no room it waits, and the others do the work.
    """

    def __init__(self, workers: int = 0, address: str = "", gpus: float = 1.0) -> None:
        self.workers, self.address, self.gpus = workers, address, gpus
        _ray()

    def map(self, units: Sequence[U], start: Start[U, R]) -> Iterator[Done[R]]:
        if not len(units):
            return
        ray = _ray()
        ours = not ray.is_initialized()
        if ours:
            connect(self.workers, self.address)
        try:
            yield from self._map(ray, units, start)
        finally:
            if ours:
                ray.shutdown()

    def _map(self, ray: Any, units: Sequence[U], start: Start[U, R]) -> Iterator[Done[R]]:
        there = ray.cluster_resources()
        share = self.gpus if there.get("GPU", 0) > 0 else 0
        if share > there.get("GPU", 0):
            raise ConfigError(f"gpus is {share}, and there are {there['GPU']:g}; give less")
        most = min(there["GPU"] / share if share else inf, there.get("CPU", 1))
        workers = min(self.workers or max(int(most), 1), len(units))
        # On other machines there are other numbers of cores; Ray gives each actor one thread then.
        environment = {} if self.address else {"OMP_NUM_THREADS": str(threads_of(workers))}
        actor = ray.remote(_Actor).options(num_cpus=1, num_gpus=share)
        begun = ray.put(start)

        def open_slot(place: int) -> _Slot:
            return _Slot(ray, actor.remote(environment), begun)

        def answered(slots: list[_Slot]) -> list[_Slot]:
            ready, _ = ray.wait([slot.asked for slot in slots], num_returns=1)
            return [slot for slot in slots if slot.asked in ready]

        def stop(slots: list[_Slot]) -> None:
            for slot in slots:
                ray.kill(slot.actor)

        yield from hand_out(units, workers, open_slot, answered, stop)


def connect(workers: int = 0, address: str = "") -> None:
    """Join the cluster at `address`, or start one on this machine for so many workers.

    Raises `ConfigError` where there is none.
    """
    ray = _ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    alone = {"num_cpus": workers or cores(), "include_dashboard": False}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address or "local",
            **({} if address else alone),
            log_to_driver=False,
            logging_level="error",
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        remedy = "see ray status, or give no address to start one here" if address else "try again"
        raise ConfigError(f"no Ray cluster at {quoted(address)} ({error}): {remedy}") from error
    finally:
        # Ray takes the signal for itself, and whoever began this listens to it.
        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, before)


class _Slot:
    def __init__(self, ray: Any, actor: Any, start: Any) -> None:
        self.ray, self.actor = ray, actor
        self.asked = actor.begin.remote(start)

    def ask(self, unit: Any) -> None:
        self.asked = self.actor.work.remote(unit)

    def answer(self) -> tuple[Any, str]:
        errors = self.ray.exceptions
        try:
            return self.ray.get(self.asked)
        except errors.RayTaskError as error:  # What came or went cannot be pickled.
            return None, said(getattr(error, "cause", error))
        except errors.RayError as error:
            raise Lost(str(error).partition("\n")[0]) from None


class _Actor:
    """Lives in a process of Ray's. One that is killed is not restarted: `pool` makes another."""

    def __init__(self, environment: dict[str, str]) -> None:
        settle(environment)
        self.worker: Any = None

    def begin(self, start: Start[Any, Any]) -> tuple[Any, str]:
        self.worker, kind, text = begin(start)
        return kind, text

    def work(self, unit: Any) -> tuple[Any, str]:
        return attempt(self.worker, unit)


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingDependencyError(
            'engine ray needs the package ray: pip install ray (or "facea-net[scale]")'
        ) from error
    return ray
