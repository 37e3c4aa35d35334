"""A person is trained once, and found again by content."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.errors import ConfigError
from facea_core.identity_store.store import (
    Trained,
    find_identity,
)
from facea_core.types import Box, Part, Photo

from ...unit.learner import make_backbone
from ...unit.photos import small_photo
from .learning import CONFIG, begins, files, learn, same


def test_a_training_leaves_three_files_and_says_what_it_did(first: Trained):
    assert sorted(files(first.path.parent)) == ["ada.jpg", "ada.json", "ada.safetensors"]
    assert files(first.path.parents[1] / "runs") == {}
    record = first.record
    assert (record["steps"], record["steps_run"], record["resumed_from"]) == (4, 4, 0)
    assert (record["cached"], record["photos"], record["name"]) == (False, 1, "ada")
    assert [step for step, _ in record["losses"]] == [2, 4]
    assert record["loss"] == pytest.approx(record["losses"][-1][1], abs=1e-6)
    assert record["origin"] == first.identity.meta.origin
    assert record["saved"].endswith("1/1 words")
    assert record["seconds"] > 0
    assert record["mode"].startswith("eager")
    assert record["plan"].startswith("facea-tiny 32 px, ")
    # The photo and the previews of steps 2 and 4, side by side.
    assert first.sheet.shape[-1] == 3 * 256 + 4 * 20


def test_the_same_call_trains_once_whoever_asks(first: Trained, place: Path):
    before = files(place / "facea")
    assert not begins(make_backbone(), place)
    again = learn(make_backbone(), place)
    assert same(again.identity, first.identity)
    assert again.identity.meta == first.identity.meta
    assert again.path == place / "facea" / "ada.safetensors"
    assert (again.record["steps_run"], again.record["steps"]) == (0, 4)
    assert again.record["cached"]
    assert again.record["loss"] == first.record["loss"]
    assert torch.equal(again.plot, first.plot)
    assert torch.allclose(again.sheet.mean((2, 3)), first.sheet.mean((2, 3)), atol=0.01)
    assert again.sheet.shape == first.sheet.shape
    assert files(place / "facea") == before


def brighter(photo: Photo) -> Photo:
    image = photo.image.clone()
    image[0, 0, 3, 5] += 0.01
    return replace(photo, image=image)


def moved(photo: Photo, **parts) -> Photo:
    return replace(photo, attributes=replace(photo.attributes, **parts))


@pytest.mark.parametrize(
    "changes",
    [
        {"photo": brighter(small_photo())},
        {"photo": moved(small_photo(), face=Box(20, 15, 45, 51))},
        {"photo": moved(small_photo(), parts=(Part("eyes", Box(24, 26, 41, 32), 0.9),))},
        {"config": replace(CONFIG, lora_lr=1e-3)},
        {"config": replace(CONFIG, seed=1)},
        {"config": replace(CONFIG, steps=5)},
        {"name": "eve"},
        {"class_noun": "girl"},
    ],
    ids=["pixel", "face", "part", "rate", "seed", "steps", "name", "noun"],
)
def test_what_matters_trains_anew(backbone: Backbone, place: Path, changes: dict):
    before = files(place / "facea")
    assert begins(backbone, place, **changes)
    assert files(place / "facea") == before


@pytest.mark.parametrize("module", ["unet", "vae", "clip_l"])
def test_another_weight_anywhere_trains_anew(backbone: Backbone, place: Path, module: str):
    patched = replace(
        backbone,
        unet=deepcopy(backbone.unet),
        vae=deepcopy(backbone.vae),
        text=replace(backbone.text, encoders=deepcopy(backbone.text.encoders)),
    )
    names = {
        "unet": (patched.unet, "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight"),
        "vae": (patched.vae, "decoder.layers.0.weight"),
        "clip_l": (patched.text.encoders["clip_l"], "layers.1.self_attn.q_proj.weight"),
    }
    owner, ending = names[module]
    (weight,) = (value for name, value in owner.named_parameters() if name.endswith(ending))
    assert not begins(patched, place)
    with torch.no_grad():
        weight.mul_(1.002)
    assert begins(patched, place)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": replace(CONFIG, report_every=1)},
        {"config": replace(CONFIG, preview_every=0, save_every=1)},
        {"photo": replace(small_photo(), name="IMG_0001", notes=("rotated",))},
    ],
    ids=["reports", "previews", "photo name"],
)
def test_what_does_not_matter_is_found(backbone: Backbone, place: Path, changes: dict):
    assert not begins(backbone, place, **changes)


def test_an_identity_is_found_under_any_name_among_strangers(first: Trained, place: Path):
    key, folder = first.record["origin"], place / "facea"
    assert find_identity(folder, "ada", key) == folder / "ada.safetensors"
    (folder / "ada.safetensors").rename(folder / "ada-at-the-sea.safetensors")
    (folder / "ada-1.safetensors").write_bytes(b"no identity")
    (folder / "ada.safetensors").mkdir()
    assert find_identity(folder, "ada", key) == folder / "ada-at-the-sea.safetensors"
    assert find_identity(folder, "ada", key[::-1]) is None
    assert find_identity(folder, "bob", key) is None
    assert find_identity(place / "none", "ada", key) is None


@pytest.mark.parametrize("name", ["", "Ada", "../ada", "/ada", "**", "a[d]a"])
def test_a_name_that_is_no_word_is_refused_before_anything_else(
    backbone: Backbone, tmp_path: Path, name: str
):
    with pytest.raises(ConfigError, match="may hold only"):
        learn(backbone, tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []
