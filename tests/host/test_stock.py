"""Stock ComfyUI takes all of an identity, of every family at full size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("stock.py")


@pytest.fixture(scope="module")
def found(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path_factory.mktemp("stock"))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("family", "layers"), [("sd15", 250), ("sd2", 250), ("sdxl", 767)])
def test_stock_nodes_take_every_layer_and_every_word(found, tell, family: str, layers: int):
    figures = found[family]
    tell(
        f"stock ComfyUI, {family}: {figures['loaded']}/{figures['layers']} layers, "
        f"{figures['spoken']}/{figures['words']} rows of words"
    )
    assert figures["layers"] == figures["loaded"] == figures["fitting"] == layers
    assert figures["spoken"] == figures["words"] > 0


@pytest.mark.parametrize("family", ["facea-tiny", "sd15", "sd2", "sdxl"])
def test_a_controlnet_has_the_names_and_shapes_of_the_stock_one(found, family: str):
    assert found["controls"][family] == 0


def test_the_stock_loader_reads_the_miniature_s_controlnet_as_the_core_does(found, tell):
    figures = found["published"]
    tell(f"core and ComfyUI, facea-tiny-control, largest difference: {figures['difference']:.2e}")
    assert figures["listed"]
    assert figures["kind"] == "ControlNet"
    assert figures["difference"] < 1e-4 * max(figures["largest"], 1)
