"""Units of work for tests of the engines, without torch: other processes import this file."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from facea_core.errors import AuditError, ConfigError

Unit = tuple[str, object]


@dataclass(frozen=True)
class Begin:
    """Notes its process and its starts in `folder`, and works on units as they say."""

    folder: Path
    base: int = 100

    def __call__(self) -> Callable[[Unit], object]:
        with (self.folder / f"{os.getpid()}.pid").open("a") as file:
            file.write("start\n")
        return self.work

    def work(self, unit: Unit) -> object:
        kind, value = unit
        if kind == "add":
            return self.base + int(str(value))
        if kind == "sleep":
            time.sleep(float(str(value)))
            return value
        if kind == "refuse":
            raise AuditError(f"unit {value} is refused")
        if kind == "fail":
            raise KeyError(value)
        if kind == "lock":
            return Lock()
        if kind == "environment":
            time.sleep(0.3)  # Another worker has the time to take one too.
            return os.getpid(), {name: os.environ.get(name) for name in value}  # type: ignore
        if kind == "save":
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                (self.folder / "saved").touch()
                raise
        if kind == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "die once":
            mark = self.folder / f"{value}.died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return value
        raise AssertionError(kind)


@dataclass(frozen=True)
class Refuse:
    """A start that raises what it is told to."""

    kind: str

    def __call__(self) -> Callable[[Unit], object]:
        if self.kind == "settings":
            raise ConfigError("there is no model")
        if self.kind == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyError("model")
