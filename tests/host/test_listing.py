"""Widgets that list identities cost next to nothing and raise nothing, whatever the disk holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("listing.py")
FILES = 10_000
ADA = ["facea/ada.safetensors"]


@pytest.fixture(scope="module")
def found(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path_factory.mktemp("listing"))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_ten_thousand_files_are_looked_at_once(found: dict[str, Any], tell):
    first, *later = found["asked"]
    tell(f"10,000 LoRA files: schema {first} at first, then {later}")
    assert FILES < first["open"] < FILES + 10
    for schema in later:
        assert schema["open"] == 0
        assert schema["stat"] < 10


def test_what_is_an_identity_now_is_listed(found: dict[str, Any]):
    for name in ("ada among thousands", "gone again", "mended in place", "only strangers"):
        assert found[name] == ADA, name
    assert found["one more"] == ["eve.safetensors", *ADA]
    assert found["damaged in place"] == []
    assert found["a stranger written over in place"] == [*ADA, "style.safetensors"]


@pytest.mark.parametrize(
    "name",
    [
        "format ²", "format of many digits", "lists in lists", "a number of many digits",
        "no object", "no plain files", "well again",
    ],
)  # fmt: skip
def test_odd_files_are_left_out(found: dict[str, Any], name: str):
    assert found[name] == ADA


def test_a_disk_that_fails_raises_nothing(found: dict[str, Any]):
    said = {name: answer for name, answer in found.items() if answer in (True, False)}
    assert len(said) == 12
    assert all(said.values())
