"""What a worker in another process finds around it: its cores, its GPU, and how it answers."""

from __future__ import annotations

import os
import sys
from glob import glob
from typing import Any

from ..errors import FaceAError
from .base import Start, Worker, said

_THREADS, _DEVICES = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"

Begun = tuple[Worker[Any, Any] | None, type[FaceAError] | None, str]


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> list[str]:
    """The names of the GPUs that this process may use, as CUDA numbers them; found on Linux.

    The environment's own list, else the devices that there are; torch is not asked, for the process
    that hands units out needs none.
    """
    listed = os.environ.get(_DEVICES)
    if listed is None:
        return [str(number) for number in range(len(glob("/dev/nvidia[0-9]*")))]
    names = [name.strip() for name in listed.split(",")]
    return [name for name in names if name and not name.startswith("-")]


def default_workers() -> int:
    """One worker for each GPU, else one for each core."""
    return len(gpus()) or cores()


def threads_of(workers: int) -> int:
    """How many threads torch takes in each of so many workers, that the cores are shared out.

    `OMP_NUM_THREADS` in the environment goes before: the same number of threads is what makes the
    same bytes on a CPU, however many workers there are.
    """
    listed = os.environ.get(_THREADS, "")
    return max(int(listed), 1) if listed.isdecimal() else max(cores() // workers, 1)


def surroundings(place: int, workers: int) -> dict[str, str]:
    """The environment of worker number `place`: its threads, and its GPU where there are several.

    Worker i sees GPU i modulo their number, and no other.
    """
    names = gpus()
    device = {_DEVICES: names[place % len(names)]} if len(names) > 1 else {}
    return {_THREADS: str(threads_of(workers)), **device}


def settle(environment: dict[str, str]) -> None:
    """Take on `environment`. Comes before what works is imported, for torch reads it only once."""
    os.environ.update(environment)
    torch = sys.modules.get("torch")
    if torch is not None and _THREADS in environment:  # The program's main module imported it.
        torch.set_num_threads(int(environment[_THREADS]))


def begin(start: Start[Any, Any]) -> Begun:
    """The worker that `start` makes, or what it raised: the kind of `FaceAError`, and the words."""
    try:
        return start(), None, ""
    except FaceAError as error:
        return None, type(error), said(error)
    except Exception as error:
        return None, None, said(error)
