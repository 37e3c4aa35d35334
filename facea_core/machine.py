"""How much memory this process may still take, and refusing what needs more."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError

try:
    import resource
except ImportError:  # Windows
    resource = None

_GB = 1e9
_PAGES = "SC_PHYS_PAGES"

_FULL = ("out of memory", "not enough memory", "can't allocate memory")
"""What a GPU, Windows and Linux say."""


def available_memory() -> int | None:
    """Bytes that this process may still take; None where nobody says.

    The least of what the machine has (swap included), what its control groups (containers) leave,
    and what its own limits (`ulimit -d`, `-v`) leave.
    """
    return min((max(value, 0) for value in (*_machine(), *_groups(), *_limits())), default=None)


def give_back_memory() -> None:
    """Hand what this process has freed back to the system, where its C library can (glibc's).

    After work of many sizes glibc keeps the holes between what stays, more of them each time.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no memory left; torch has a type for CUDA's alone."""
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which need not be imported for this
        return True
    said = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in _FULL)
    )


def require_memory(needed: int, what: str, remedy: str) -> None:
    """Raises `ConfigError` if `what` needs more bytes than there are: nobody ends a process for it.

    `remedy` says what to change.
    """
    there = available_memory()
    if there is not None and needed > there:
        raise ConfigError(
            f"{what} needs about {needed / _GB:.1f} GB of memory; {there / _GB:.1f} GB are "
            f"left: {remedy}"
        )


def _machine() -> Iterator[int]:
    table = _table("/proc/meminfo")
    if "MemAvailable" in table:
        yield table["MemAvailable"] + table.get("SwapFree", 0)
    elif _PAGES in getattr(os, "sysconf_names", {}):
        yield os.sysconf(_PAGES) * os.sysconf("SC_PAGE_SIZE")


def _groups() -> Iterator[int]:
    """What each control group above this process leaves, in both versions of Linux's."""
    for line in _read("/proc/self/cgroup").splitlines():
        _, kinds, place = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        root = Path("/sys/fs/cgroup") / kinds
        limit, used = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        if not kinds:
            limit, used = ("memory.max", "memory.current")
        # In a container the place is one of the machine's, and the root is its own.
        folder = root / place.strip("/")
        for group in (folder, *folder.parents):
            most, taken = _read(group / limit).strip(), _read(group / used).strip()
            if most.isdecimal() and taken.isdecimal():
                # Files that were read are let go when memory is asked for.
                files = dict(row.split() for row in _read(group / "memory.stat").splitlines())
                yield int(most) - int(taken) + int(files.get("inactive_file", 0))


def _limits() -> Iterator[int]:
    taken = _table("/proc/self/status")
    for kind, name in (("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")):
        if resource is not None and name in taken:
            most, _ = resource.getrlimit(getattr(resource, kind))
            if most != resource.RLIM_INFINITY:
                yield most - taken[name]


def _table(path: str) -> dict[str, int]:
    """The rows "Name:  12 kB" of a file of Linux's, in bytes."""
    rows = (line.split() for line in _read(path).splitlines() if line.endswith(" kB"))
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except (OSError, ValueError):
        return ""
