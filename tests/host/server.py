"""A real ComfyUI with this pack in it, as a process of its own on a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from .install import ROOT

PACK = "facea-net"

# What a checkout of ours holds beside the pack; it matters only where symbolic links fail.
_NOT_THE_PACK = (".*", "__pycache__", "*.egg-info", "tests", "demo", "runs", "build", "dist")


class Server:
    """ComfyUI with `base` as its base directory, on the CPU by default; a context manager.

    Everything that ComfyUI and the pack write ends up below `base`, but for the log, which stands
    beside it: models, input, output, temp, user, and the database.
    """

    def __init__(self, comfyui: Path, base: Path, *options: str, cpu: bool = True) -> None:
        self.comfyui = comfyui
        self.base = base
        self.options = [*(["--cpu"] if cpu else []), *options]
        if front_end := os.environ.get("FACEA_FRONT_END"):  # another than the one installed
            self.options += ["--front-end-root", front_end]
        self.log_file = base.with_name(base.name + ".log")
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        _link(ROOT, base / "custom_nodes" / PACK)

    def start(self, timeout: float = 900) -> None:
        """Start and wait until it answers. Raises RuntimeError with the end of the log."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.base, env=_environment(), stdout=log, stderr=log
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"ComfyUI did not start:\n{self.log[-4000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask it to end, and make it end after ten seconds. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """A new process at the same address on the same folder; clients must connect anew."""
        self.stop()
        self.start()

    @property
    def log(self) -> str:
        """Everything that was logged since the folder was made."""
        return self.log_file.read_text("utf-8", errors="replace")

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def memory(self) -> float:
        """The memory that the process holds now, MiB (its resident set)."""
        assert self._process is not None
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    @property
    def work(self) -> float:
        """The seconds that its threads have computed, all together."""
        assert self._process is not None
        used = psutil.Process(self._process.pid).cpu_times()
        return used.user + used.system

    def files(self) -> set[str]:
        """Every file below the base directory but for the pack's own, with / between folders."""
        found = set()
        for folder, subfolders, names in os.walk(self.base):
            if PACK in subfolders:
                subfolders.remove(PACK)
            found |= {(Path(folder) / name).relative_to(self.base).as_posix() for name in names}
        return found

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None and self._answers()

    def _command(self) -> list[str]:
        base = self.base.resolve()
        database = base / "user" / "comfyui.db"
        return [
            *(sys.executable, str(self.comfyui / "main.py"), *self.options),
            *("--port", str(self.port), "--base-directory", str(base)),
            # Left alone, it lies inside the checkout.
            *("--database-url", f"sqlite:///{database}"),
            # These call paid services and take seconds to import.
            "--disable-api-nodes",
            "--disable-auto-launch",
        ]

    def _answers(self) -> bool:
        # A refused connection and one cut off while ComfyUI starts are both OSErrors.
        with suppress(URLError, OSError), urlopen(f"{self.url}/system_stats", timeout=5) as answer:
            return answer.status == 200
        return False


def _environment() -> dict[str, str]:
    """Ours, with an unbuffered log, and with no model hub within reach."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _link(repository: Path, place: Path) -> None:
    """The pack at `place`: a link to the repository, a copy where links are not allowed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        return
    try:
        place.symlink_to(repository, target_is_directory=True)
    except OSError:
        shutil.copytree(repository, place, ignore=shutil.ignore_patterns(*_NOT_THE_PACK))
