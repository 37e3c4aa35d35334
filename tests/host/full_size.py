"""Scripts on full-size models of random weights, which are left out unless asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL_SIZE = pytest.mark.skipif(
    os.environ.get("FACEA_FULL_SIZE") != "1", reason="takes minutes; set FACEA_FULL_SIZE=1"
)


def run_full_size(script: str, comfyui: Path, base: Path, family: str) -> dict[str, Any]:
    """What a script of this folder found, in a process of its own."""
    path = Path(__file__).with_name(script)
    command = [sys.executable, str(path), str(comfyui), str(base), family]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
