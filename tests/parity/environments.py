"""Small environments beside `.venv`: other versions of a few packages, everything else shared."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".parity"

_FINISHED = "facea-finished.txt"


def environment(name: str, packages: Sequence[str]) -> Path:
    """The Python of `.parity/<name>` with `packages`, made if it is not there as wanted.

    What the packages need and this Python's own environment has in a fitting version (torch above
    all, gigabytes of it) is found there, through a .pth file: nothing of it is installed twice.
    """
    place = FOLDER / name
    python = place / "bin" / "python"
    finished = place / _FINISHED
    wanted = "\n".join(packages)
    if finished.is_file() and finished.read_text("utf-8") == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    shared = sysconfig.get_path("purelib")
    (own,) = place.glob("lib/python*/site-packages")
    (own / "shared.pth").write_text(shared + "\n", "utf-8")
    # pip warns of shared packages (diffusers) that want other versions: nothing here uses them.
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        check=True,
    )
    finished.write_text(wanted, "utf-8")
    return python


def run(python: Path | str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`python -m …` at the root of the repository; what it says goes on to the terminal."""
    setting = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    return subprocess.run(
        [str(python), "-W", "ignore", "-m", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | setting,
        text=True,
        check=False,
    )
