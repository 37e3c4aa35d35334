"""A photo is restored on full-size models of random weights, and what was wired stays as it was.

    FACEA_FULL_SIZE=1 pytest tests/host/test_large_restore.py

It takes minutes and, for SDXL, 20 GB of memory, and is left out unless asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("large_restore.py")

pytestmark = pytest.mark.skipif(
    os.environ.get("FACEA_FULL_SIZE") != "1", reason="takes minutes; set FACEA_FULL_SIZE=1"
)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_photo_is_restored_and_nothing_wired_changes(comfyui: Path, tmp_path: Path, family: str):
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path), family]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["asked"] == 2
    assert found["inside"] > 0.01
    assert found["outside"] == found["patches"] == found["conditioning"] == 0
    assert found["faces"] == found["told"] == 1
