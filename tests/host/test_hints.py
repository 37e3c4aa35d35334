"""ControlNets, masks and adapters of a whole picture hold for a face as if cut by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("hinting.py")

CHAINS = ("one 0.5", "one 1", "one 2", "two 2", "t2i 0.5")


@pytest.fixture(scope="module")
def found(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), str(comfyui), str(tmp_path_factory.mktemp("hints"))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("chain", CHAINS)
def test_a_hint_of_the_whole_picture_is_one_cropped_by_hand(found: dict[str, Any], chain: str):
    guided = found["hints"]
    assert guided["outside"]
    assert guided[chain]["by hand"] == 0
    assert guided[chain]["guided"] > 0.05
    assert guided[chain]["same"]


@pytest.mark.parametrize("chain", CHAINS)
def test_hints_guide_the_prompts_of_the_faces(found: dict[str, Any], chain: str):
    assert found["hints"][chain]["carried"] == 0


@pytest.mark.parametrize("kind", ["mask", "area"])
def test_a_region_is_one_cropped_by_hand(found: dict[str, Any], kind: str):
    by_hand, plain = found["hints"][kind]
    assert by_hand == 0
    assert plain > 0.01


def test_a_hint_of_another_shape_is_used_as_it_is_and_said(found: dict[str, Any]):
    report = json.loads(found["hints"]["another shape"])
    assert report["cropped"] == []
    assert "64×64, has another shape than the picture, 200×120: used as it is" in report["notes"][0]
    assert found["hints"]["as they are"] == 0


def test_the_same_hints_give_the_same_bytes(found: dict[str, Any]):
    assert found["hints"]["again"] == 0


def test_strength_0_is_no_hint(found: dict[str, Any]):
    assert found["hints"]["strength 0"] == 0


def test_boxes_and_reference_latents_move_along(found: dict[str, Any]):
    places = found["places"]
    assert places["boxes"] == [["inside", 4, 4, 2, 2], ["across", 8, 4, 0, 0]]
    assert places["latent"] == [[1, 4, 8, 8], 4, 7]
    assert places["kept"]
    assert places["given"] == 3
    assert places["notes"] == [
        "a reference latent of another shape than the picture's: used as it is, not cropped"
    ]


@pytest.mark.parametrize("kind", ["Replaced", "Older"])
def test_an_adapter_acts_where_its_mask_lies(found: dict[str, Any], kind: str):
    inside, elsewhere = found["adapters"][kind]
    assert found["adapters"]["adapted"] > 0.1
    assert inside < 1e-4  # interpolating ones rounds
    assert elsewhere == 0
    notes = json.loads(found["adapters"]["another shape"])["notes"]
    assert notes == [
        "an adapter's mask of another shape than the picture's: used as it is, not cropped"
    ]
