"""A hint of the whole picture is one cropped by hand, on full-size models of random weights.

    FACEA_FULL_SIZE=1 pytest tests/host/test_large_hints.py

It takes minutes and, for SDXL, 20 GB of memory, and is left out unless asked for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .full_size import FULL_SIZE, run_full_size

pytestmark = FULL_SIZE


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_hint_is_followed_as_one_cropped_by_hand(comfyui: Path, tmp_path: Path, family: str):
    found = run_full_size("large_hints.py", comfyui, tmp_path, family)
    for nets in ("two", "t2i"):
        assert found[f"{nets}, by hand"] == 0
        assert found[f"{nets}, guided"] > 0.01
