"""A hint of the whole picture is one cropped by hand, on full-size models of random weights.

    FACEA_FULL_SIZE=1 pytest tests/host/test_large_hints.py

It takes minutes and, for SDXL, 20 GB of memory, and is left out unless asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("large_hints.py")

pytestmark = pytest.mark.skipif(
    os.environ.get("FACEA_FULL_SIZE") != "1", reason="takes minutes; set FACEA_FULL_SIZE=1"
)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_hint_is_followed_as_one_cropped_by_hand(comfyui: Path, tmp_path: Path, family: str):
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path), family]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for nets in ("two", "t2i"):
        assert found[f"{nets}, by hand"] == 0
        assert found[f"{nets}, guided"] > 0.01
