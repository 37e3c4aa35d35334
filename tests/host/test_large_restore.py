"""A photo is restored on full-size models of random weights, and what was wired stays as it was.

    FACEA_FULL_SIZE=1 pytest tests/host/test_large_restore.py

It takes minutes and, for SDXL, 20 GB of memory, and is left out unless asked for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .full_size import FULL_SIZE, run_full_size

pytestmark = FULL_SIZE


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_photo_is_restored_and_nothing_wired_changes(comfyui: Path, tmp_path: Path, family: str):
    found = run_full_size("large_restore.py", comfyui, tmp_path, family)
    assert found["asked"] == 2
    assert found["inside"] > 0.01
    assert found["outside"] == found["patches"] == found["conditioning"] == 0
    assert found["faces"] == 1
    assert found["told"] == 2  # Who it is, and how often that errs.
