"""An identity is a LoRA that stock tools read, with its words and what it says of itself."""

import json
import resource
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facea_core.errors import AssetError, IdentityFormatError
from facea_core.identity import (
    describe_identity,
    load_identity,
    save_identity,
)
from facea_core.types import Identity

from .metadata import assert_equal, metadata_of


def test_what_was_saved_is_loaded(identity: Identity, tmp_path: Path):
    path = tmp_path / "new" / "folder" / "ada.safetensors"
    assert save_identity(identity, path) == "6/6 keys, 4/4 words"
    assert_equal(load_identity(path), identity)
    assert [p.name for p in path.parent.iterdir()] == ["ada.safetensors"]


def test_equal_identities_give_equal_bytes(identity: Identity, tmp_path: Path):
    paths = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for path in paths:
        save_identity(identity, path)
    assert len({path.read_bytes() for path in paths}) == 1
    save_identity(load_identity(paths[0]), paths[1])
    assert paths[1].read_bytes() == paths[0].read_bytes()


def test_the_file_name_means_nothing(identity: Identity, tmp_path: Path):
    save_identity(identity, tmp_path / "ada.safetensors")
    path = (tmp_path / "ada.safetensors").rename(tmp_path / "Someone else (1).bin")
    assert_equal(load_identity(path), identity)


def test_the_keys_are_those_stock_tools_read(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0"
    conv = "lora_unet_up_blocks_2_resnets_1_conv1"
    kinds = ("lora_down.weight", "lora_up.weight", "alpha")
    words = [f"bundle_emb.ada/{w}.{e}" for w in ("eyes", "hair") for e in ("clip_l", "clip_g")]
    stored = load_file(path)
    assert set(stored) == {f"{n}.{k}" for n in (name, conv) for k in kinds} | set(words)
    assert float(stored[f"{conv}.alpha"]) == 2.5
    assert stored["bundle_emb.ada/hair.clip_g"].shape == (3, 12)


def test_lora_managers_find_base_rank_and_trigger_words(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    metadata = metadata_of(path)
    assert metadata["ss_base_model_version"] == "sd_v1"
    assert (metadata["ss_network_dim"], metadata["ss_network_alpha"]) == ("4", "4")
    assert json.loads(metadata["ss_network_args"]) == {"conv_dim": "4", "conv_alpha": "4"}
    tags = json.loads(metadata["ss_tag_frequency"])
    assert set(tags["facea"]) == {"embedding:ada/eyes", "embedding:ada/hair"}
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert "modelspec.date" not in metadata
    dated = replace(identity, meta=replace(identity.meta, created="2026-01-02"))
    save_identity(dated, path)
    assert metadata_of(path)["modelspec.date"] == "2026-01-02"


@pytest.mark.parametrize(
    ("family", "prediction", "base", "architecture", "v2"),
    [
        ("sd15", "epsilon", "sd_v1", "stable-diffusion-v1/lora", "False"),
        ("sd2", "epsilon", "sd_v2", "stable-diffusion-v2-512/lora", "True"),
        ("sd2", "v_prediction", "sd_v2_v", "stable-diffusion-v2-768-v/lora", "True"),
        ("sdxl", "epsilon", "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/lora", "False"),
    ],
)
def test_lora_managers_know_the_family(
    identity: Identity, tmp_path: Path,
    family: str, prediction: str, base: str, architecture: str, v2: str,
):  # fmt: skip
    meta = replace(identity.meta, family=family, prediction=prediction)
    path = tmp_path / "ada.safetensors"
    save_identity(replace(identity, meta=meta), path)
    metadata = metadata_of(path)
    assert metadata["ss_base_model_version"] == base
    assert metadata["modelspec.architecture"] == architecture
    assert metadata["ss_v2"] == v2  # what AUTOMATIC1111 tells SD1 from SD2 by
    assert metadata["modelspec.prediction_type"] == prediction.removesuffix("_prediction")
    assert load_identity(path).meta == meta


def test_a_description_is_plain_json(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    about = describe_identity(path)
    assert json.loads(json.dumps(about)) == about
    assert (about["name"], about["rank"], about["layers"]) == ("ada", 4, 2)
    assert about["words"][1]["prompt"] == "embedding:ada/hair"


def test_nothing_stays_when_the_disk_is_full(identity: Identity, tmp_path: Path):
    old = tmp_path / "old.safetensors"
    save_identity(identity, old)
    kept, limits = old.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) // 2, limits[1]))
    try:
        for path in (old, tmp_path / "new.safetensors"):
            with pytest.raises(AssetError, match=path.name):
                save_identity(identity, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["old.safetensors"]
    assert old.read_bytes() == kept


def test_a_folder_that_cannot_be_written_is_named(identity: Identity, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AssetError, match=r"file.ada\.safetensors"):
        save_identity(identity, tmp_path / "file" / "ada.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_identity_with_nan_is_not_saved(identity: Identity, tmp_path: Path):
    identity.words[0].vectors["clip_l"][0, 0] = torch.nan
    with pytest.raises(IdentityFormatError, match=r"bundle_emb\.ada/eyes"):
        save_identity(identity, tmp_path / "ada.safetensors")
    assert list(tmp_path.iterdir()) == []
