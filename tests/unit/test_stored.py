"""Checkpoints on disk: files and folders that are read, and those that are refused with advice."""

import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facea_core.backbone import Backbone, inspect_checkpoint, load_backbone
from facea_core.backbone import parts as parts_module
from facea_core.backbone.load import empty_backbone, random_backbone, single_file_state
from facea_core.backbone.spec import SD2, SD15, SDXL, TINY, Family
from facea_core.errors import AssetError, BackboneError, ConfigError

from ..narrow import narrow_family

UNET = "model.diffusion_model."


def tiny_state(channels: int = 9) -> dict[str, Tensor]:
    state = {key: value.contiguous() for key, value in single_file_state(random_backbone()).items()}
    first = UNET + "input_blocks.0.0.weight"
    state[first] = state[first][:, :channels].contiguous()
    return state


@pytest.fixture(scope="module")
def good() -> dict[str, Tensor]:
    return tiny_state()


# Single files


def test_a_header_says_what_loading_gives(good, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_file({key: value.half() for key, value in good.items()}, path)
    header, loaded = inspect_checkpoint(path), load_backbone(path)
    assert header.spec == loaded.spec == TINY.spec
    assert header.dtype == torch.float16
    modules = {"unet": loaded.unet, "vae": loaded.vae, **loaded.text.encoders}
    counts = {name: sum(p.numel() for p in m.parameters()) for name, m in modules.items()}
    assert dict(header.numbers) == counts
    assert dict(header.bytes) == {name: 2 * count for name, count in counts.items()}


def test_a_checkpoint_of_four_channels_says_so_and_loads(tmp_path):
    path = tmp_path / "plain.safetensors"
    save_file(tiny_state(4), path)
    loaded = load_backbone(path)
    assert inspect_checkpoint(path).spec == loaded.spec
    assert not loaded.spec.inpainting
    assert loaded.spec.architecture == "facea-tiny"
    one = torch.ones(1, 4, 8, 8)
    condition = loaded.text.encode(["a man"])
    answer = loaded.predict(one, torch.tensor([5]), condition, one[:, :1], one)
    assert torch.equal(answer, loaded.predict(one, torch.tensor([5]), condition, one[:, :1], -one))


@pytest.mark.parametrize(
    ("metadata", "mark", "asked", "wanted"),
    [
        ({}, None, None, "v_prediction"),
        ({"modelspec.prediction_type": "epsilon"}, None, None, "epsilon"),
        ({"modelspec.prediction_type": "v"}, None, None, "v_prediction"),
        ({"modelspec.prediction_type": "v"}, None, "epsilon", "epsilon"),
        ({"modelspec.prediction_type": "epsilon"}, None, "v_prediction", "v_prediction"),
        ({}, "v_pred", None, "v_prediction"),
        ({"modelspec.prediction_type": "eps"}, None, None, "epsilon"),
        ({"modelspec.prediction_type": "Epsilon"}, None, None, "epsilon"),
        ({"modelspec.prediction_type": "v-prediction"}, None, None, "v_prediction"),
        ({"modelspec.prediction_type": "velocity"}, None, None, "v_prediction"),
        ({"modelspec.prediction_type": "velocity"}, None, "epsilon", "epsilon"),
        ({"modelspec.prediction_type": "None"}, None, None, "v_prediction"),
        ({"modelspec.prediction_type": ""}, None, None, "v_prediction"),
    ],
)
def test_the_prediction_is_read_or_asked_for(good, tmp_path, metadata, mark, asked, wanted):
    path = tmp_path / "model.safetensors"
    save_file({**good, **({mark: torch.zeros(0)} if mark else {})}, path, metadata)
    assert inspect_checkpoint(path, prediction=asked).spec.prediction == wanted
    assert load_backbone(path, prediction=asked).spec.prediction == wanted


def test_an_unknown_prediction_is_refused(good, tmp_path):
    with pytest.raises(ConfigError, match=r"'flow'.*epsilon, v_prediction"):
        load_backbone("tiny", prediction="flow")
    path = tmp_path / "model.safetensors"
    save_file(good, path, {"modelspec.prediction_type": "flow"})
    with pytest.raises(BackboneError, match=r"model.safetensors states.*'flow'.*--prediction"):
        load_backbone(path)


def test_a_prediction_that_nobody_knows_is_the_familys_own_with_a_note(good, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(good, path, {"modelspec.prediction_type": "magic"})
    for found in (inspect_checkpoint(path), load_backbone(path)):
        assert found.spec == TINY.spec
        (note,) = found.notes
        assert re.search(
            r"model.safetensors states .*'magic', which is unknown.*--prediction", note
        )
    assert not inspect_checkpoint(path, prediction="v_prediction").notes


def fp8(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.to(torch.float8_e4m3fn) if v.ndim > 1 else v for k, v in state.items()}


def nf4(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.to(torch.uint8) if k.endswith("to_q.weight") else v for k, v in state.items()}


def without(*prefixes: str):
    return lambda state: {k: v for k, v in state.items() if not k.startswith(prefixes)}


def below(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(UNET): v for k, v in state.items() if k.startswith(UNET)}


def named(*names: str):
    return lambda _: {name: torch.zeros(4, 4) for name in names}


REFUSED = {
    "fp8": (fp8, "fp8 weights.*give the model as .safetensors in fp16, bf16 or fp32"),
    "scaled fp8": (
        lambda state: {**state, UNET + "out.2.scale_weight": torch.ones(1)},
        "fp8 weights.*scale_weight",
    ),
    "quantised": (nf4, "quantised weights.*U8.*give the model"),
    "lora": (named("lora_unet_mid_block.lora_down.weight"), "is a LoRA.*give the checkpoint"),
    "peft": (named("unet.mid.to_q.lora_A.weight"), "is a LoRA.*give the checkpoint"),
    "zero snr": (lambda state: {**state, "ztsnr": torch.zeros(0)}, "zero terminal SNR"),
    "edm": (lambda state: {**state, "edm_vpred.sigma_max": torch.ones(1)}, "or EDM"),
    "playground": (lambda state: {**state, "edm_mean": torch.ones(1)}, "or EDM"),
    "unet in a checkpoint": (without("first_", "cond_"), "without its VAE and text encoder"),
    "no vae": (
        without("first_"),
        "facea-tiny inpainting model without its VAE; give a whole.*--vae",
    ),
    "no text": (without("cond_"), "without its text encoder; give a whole checkpoint"),
    "bare unet": (below, "is only a U-Net, a facea-tiny inpainting model without its VAE and text"),
    "vae": (named("encoder.conv_in.weight", "decoder.conv_in.weight"), "only a VAE; give a whole"),
    "sd3": (named(UNET + "joint_blocks.0.x_block.attn.qkv.weight"), "Stable Diffusion 1.5, 2 or"),
    "flux": (named("double_blocks.0.img_attn.qkv.weight"), "Stable Diffusion 1.5, 2 or XL"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_trained_on_is_refused_with_advice(good, tmp_path, kind):
    make, message = REFUSED[kind]
    path = tmp_path / "model.safetensors"
    save_file({key: value.contiguous() for key, value in make(good).items()}, path)
    for door in (inspect_checkpoint, load_backbone):
        with pytest.raises(BackboneError, match=f"model.safetensors .*{message}"):
            door(path)


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (b"GGUF\x03\x00\x00\x00\x10\x00", "is a GGUF file; give the model as .safetensors"),
        (b"PK\x03\x04" + b"\x00" * 60, "is a pickle, which can run code; give the model as"),
        (pickle.dumps({"state_dict": {}}), "is a pickle, which can run code"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of git-lfs; download"),
        (b"<!DOCTYPE html><html></html>", "is a web page.*download it again"),
        (b"", "cannot be read as safetensors.*download it again"),
        (b"\x10\x27\x00\x00\x00\x00\x00\x00{}", "cannot be read as safetensors"),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt", "model.gguf"])
def test_other_formats_are_known_by_how_they_begin(tmp_path, begin, message, name):
    path = tmp_path / name
    path.write_bytes(begin)
    with pytest.raises(BackboneError, match=f"{name} .*{message}"):
        inspect_checkpoint(path)


def test_half_a_file_is_refused(good, tmp_path):
    path = tmp_path / "half.safetensors"
    save_file(good, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BackboneError, match=r"half.safetensors cannot be read.*download it again"):
        inspect_checkpoint(path)
    with pytest.raises(AssetError, match=r"does not exist; give a .safetensors file, a diffusers"):
        inspect_checkpoint(tmp_path / "none.safetensors")


# Folders


NARROW = {family.spec.family: narrow_family(family) for family in (SD15, SD2, SDXL)}
ENCODERS = ("text_encoder", "text_encoder_2")


@pytest.fixture(params=NARROW)
def family(request, monkeypatch) -> Family:
    # Narrow, some have the same widths.
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW[request.param],))
    return NARROW[request.param]


def saved(family: Family, folder: Path, **options) -> Backbone:
    """A backbone of the family, in a folder that diffusers and transformers wrote."""
    backbone = random_of(family)
    backbone.unet.save_pretrained(folder / "unet", **options)
    backbone.vae.save_pretrained(folder / "vae", **options)
    for place, encoder in zip(ENCODERS, backbone.text.encoders.values(), strict=False):
        encoder.save_pretrained(folder / place, **options)
    return backbone


def random_of(family: Family) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return empty_backbone(family)


def test_a_folder_is_read_back_bit_for_bit(family, tmp_path):
    # One variant, one in shards, one plain: what published folders are.
    options = {"sd15": {}, "sd2": {"variant": "fp16"}, "sdxl": {"max_shard_size": "2MB"}}
    written = saved(family, tmp_path, **options[family.spec.family])
    shards = len(list((tmp_path / "unet").glob("*.safetensors")))
    assert (shards > 1) == (family is NARROW["sdxl"])
    loaded = load_backbone(tmp_path)
    assert inspect_checkpoint(tmp_path).spec == loaded.spec == family.spec
    assert loaded.hash == written.hash
    prompt = ["a photo of a man"]
    mine, theirs = loaded.text.encode(prompt), written.text.encode(prompt)
    assert torch.equal(mine.context, theirs.context)


def test_a_folder_of_2022_has_other_names_in_its_autoencoder(monkeypatch, tmp_path):
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW["sd15"],))
    written = saved(NARROW["sd15"], tmp_path)
    path = tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    state = load_file(path)
    for new, name in old.items():
        state = {key.replace(f".{new}.", f".{name}."): value for key, value in state.items()}
    assert any(".proj_attn." in key for key in state)
    save_file(state, path)
    assert load_backbone(tmp_path).hash == written.hash


def test_a_folder_says_what_its_model_predicts(monkeypatch, tmp_path):
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW["sd2"],))
    saved(NARROW["sd2"], tmp_path)
    schedule = tmp_path / "scheduler" / "scheduler_config.json"
    schedule.parent.mkdir()
    schedule.write_text(json.dumps({"prediction_type": "v_prediction"}))
    spec = inspect_checkpoint(tmp_path).spec
    assert spec.prediction == "v_prediction"
    assert spec.resolution == 768
    schedule.write_text(json.dumps({"rescale_betas_zero_snr": True}))
    with pytest.raises(BackboneError, match="zero terminal SNR"):
        inspect_checkpoint(tmp_path)


def test_a_folder_of_pickles_or_with_gaps_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW["sd15"],))
    saved(NARROW["sd15"], tmp_path, max_shard_size="200KB")
    shard = sorted((tmp_path / "unet").glob("*.safetensors"))[1]
    shard.rename(tmp_path / "elsewhere")
    with pytest.raises(BackboneError, match=f"lacks {shard.name}.*download it"):
        load_backbone(tmp_path)
    for path in (tmp_path / "vae").glob("*.safetensors*"):
        path.rename(path.with_suffix(".bin"))
    (tmp_path / "elsewhere").rename(shard)
    with pytest.raises(BackboneError, match=r"vae holds only pickles.*\.safetensors"):
        load_backbone(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackboneError, match="empty holds no U-Net.*give a whole"):
        load_backbone(tmp_path / "empty")


@pytest.mark.parametrize(("wide", "wanted"), [(0.2, "v_prediction"), (0.01, "epsilon")])
def test_a_plain_sd2_predicts_what_its_last_norm_says(monkeypatch, tmp_path, wide, wanted):
    narrow = NARROW["sd2"]
    monkeypatch.setattr(parts_module, "FAMILIES", (narrow,))
    monkeypatch.setattr("facea_core.backbone.prediction.SD2", narrow)
    plain = empty_backbone(narrow, narrow.variant(inpainting=False))
    norm = plain.unet.get_submodule("up_blocks.3.attentions.2.transformer_blocks.0.norm1")
    torch.nn.init.normal_(norm.bias, std=wide, generator=torch.Generator().manual_seed(0))
    for place, module in (("unet", plain.unet), ("vae", plain.vae)):
        module.save_pretrained(tmp_path / place)
    plain.text.encoders["clip_h"].save_pretrained(tmp_path / "text_encoder")
    assert load_backbone(tmp_path).spec == narrow.variant(False, wanted)
    assert replace(narrow, v_resolution=None).variant(False, wanted).prediction == wanted
