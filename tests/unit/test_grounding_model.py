"""Grounding-DINO's weights: every layout, nothing half loaded, nothing run."""

import errno
import gzip
import json
import logging
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facea_core.detection.grounding import keys
from facea_core.detection.grounding.grounder import TransformersGrounder, load_tokenizer
from facea_core.detection.grounding.model import TOKENIZER, load_model, read_weights
from facea_core.detection.grounding.places import cache_folder, find_weights, usual_folders
from facea_core.errors import AssetError, DetectorError

from .grounding import save_small, small_model

KEYS = Path(__file__).parent / "data" / "groundingdino-keys.json.gz"
"""Names, shapes and number formats in the authors' two files."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small model as transformers saves it, with its tokenizer."""
    return save_small(tmp_path_factory.mktemp("hub") / "grounding-dino-small")


def original(size: str) -> dict[str, Tensor]:
    """The authors' layout at full size. Each tensor is one number, repeated without memory."""
    listed = json.loads(gzip.decompress(KEYS.read_bytes()))[size]
    generator = torch.Generator().manual_seed(0)
    return {
        f"module.{name}": torch.rand((), generator=generator)
        .mul(0.02)
        .to(getattr(torch, dtype))
        .expand(shape)
        for name, (shape, dtype) in listed.items()
    }


def test_the_authors_file_fills_every_tensor(tmp_path, caplog):
    """SwinT at full size: 0 missing, 0 unexpected keys, and the numbers where they belong."""
    file = tmp_path / "groundingdino_swint_ogc.pth"
    state = original("swint")
    torch.save({"model": state}, file)
    with caplog.at_level(logging.WARNING):
        model = load_model(file)
    there = model.state_dict()
    assert sum(p.numel() for p in model.parameters()) > 170e6
    pairs = {
        "model.text_projection.weight": "feat_map.weight",
        "model.encoder.layers.3.fusion_layer.text_param": (
            "transformer.encoder.fusion_layers.3.gamma_l"
        ),
        "model.decoder.layers.5.encoder_attn_layer_norm.bias": (
            "transformer.decoder.layers.5.norm1.bias"
        ),
        "model.decoder.layers.0.self_attn_layer_norm.bias": (
            "transformer.decoder.layers.0.norm2.bias"
        ),
        "model.text_backbone.encoder.layer.11.output.dense.bias": (
            "bert.encoder.layer.11.output.dense.bias"
        ),
        "model.level_embed": "transformer.level_embed",
    }
    for ours, theirs in pairs.items():
        assert torch.equal(there[ours], state[f"module.{theirs}"]), ours


@pytest.mark.parametrize("size", ["swint", "swinb"])
def test_every_original_key_has_a_published_name(size):
    state = keys.bare(original(size))
    published = keys.to_published(state)
    kept = {key for key in published if key in state}
    # Only these are called the same on both sides.
    assert all(key.startswith("bbox_embed.") for key in kept)
    assert (
        keys.patch_width(state) == keys.patch_width(published) == {"swint": 96, "swinb": 128}[size]
    )
    assert keys.layout(state) == "original"
    assert keys.layout(published) == "published"


def test_query_key_and_value_are_thirds_in_this_order():
    whole = torch.arange(12.0).view(6, 2)
    name = "transformer.encoder.text_layers.4.self_attn.in_proj_weight"
    split = keys.to_published({name: whole})
    start = "model.encoder.layers.4.text_enhancer_layer.self_attn."
    assert list(split) == [f"{start}{one}.weight" for one in ("query", "key", "value")]
    assert torch.equal(torch.cat(list(split.values())), whole)


def test_every_file_of_a_folder_gives_the_same_model(folder, tmp_path):
    """Safetensors and a pickled state dict, one file and shards."""
    expected = load_model(folder).state_dict()
    state = load_file(folder / "model.safetensors")
    config = (folder / "config.json").read_text()
    names = sorted(state)
    shards = tmp_path / "shards"
    pickled = tmp_path / "pickled"
    for path in (shards, pickled):
        path.mkdir()
        (path / "config.json").write_text(config)
    save_file({k: state[k] for k in names[::2]}, shards / "model-00001-of-00002.safetensors")
    save_file({k: state[k] for k in names[1::2]}, shards / "model-00002-of-00002.safetensors")
    torch.save(state, pickled / "pytorch_model.bin")
    for path in (shards, pickled):
        there = load_model(path).state_dict()
        assert there.keys() == expected.keys()
        assert all(torch.equal(there[key], expected[key]) for key in expected)


def test_half_precision_files_become_float32(folder, tmp_path):
    state = load_file(folder / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    halves = {key: tensor.half() for key, tensor in state.items()}
    save_file(halves, tmp_path / "model.safetensors")
    assert {p.dtype for p in load_model(tmp_path).parameters()} == {torch.float32}


def test_the_folder_s_own_vocabulary_is_read_and_ours_is_the_same(folder):
    words = ["eyes.", "strange eyeglasses.", "beard."]
    own, ours = load_tokenizer(folder), load_tokenizer()
    assert (folder / "vocab.txt").is_file() or (folder / "tokenizer.json").is_file()
    assert own(words)["input_ids"] == ours(words)["input_ids"]
    assert ours("face.")["input_ids"] == [101, 2227, 1012, 102]
    # A file has no vocabulary beside it.
    assert load_tokenizer(folder / "model.safetensors")("face.")["input_ids"][0] == 101
    assert len((TOKENIZER / "vocab.txt").read_text("utf-8").splitlines()) == 30522


class Bomb:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin"])
def test_no_code_in_a_pickle_runs(tmp_path, suffix, mapped):
    trace, file = tmp_path / "ran", tmp_path / f"groundingdino{suffix}"
    evil = {"model": {"feat_map.weight": torch.zeros(2, 2), "x": Bomb(trace)}}
    torch.save(evil, file, _use_new_zipfile_serialization=mapped)
    with pytest.raises(DetectorError, match=r"could run a program.*refused.*safetensors"):
        load_model(file)
    assert not trace.exists()
    # The bomb is real: plain pickle runs it.
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()


def test_what_is_no_model_is_refused(folder, tmp_path):
    def written(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    whole = (folder / "model.safetensors").read_bytes()
    torch.save({"model": {"feat_map.weight": torch.zeros(256, 768)}}, tmp_path / "good.pth")
    zipped = (tmp_path / "good.pth").read_bytes()
    cases = {
        written("cut.safetensors", whole[: len(whole) // 2]): "cannot be read.*truncated",
        written("cut.pth", zipped[: len(zipped) // 2]): "cut.pth",
        written("empty.pth", b""): "empty.pth",
        written("page.pth", b"<html>not found</html>"): "page.pth",
        tmp_path / "good.pth": "no Grounding-DINO of a known size",
    }
    torch.save([1, 2], tmp_path / "list.pth")
    cases[tmp_path / "list.pth"] = "holds a list, not named tensors"
    save_file({"first_stage_model.x": torch.zeros(2)}, tmp_path / "sd15.safetensors")
    cases[tmp_path / "sd15.safetensors"] = "1 tensors, but is not Grounding-DINO"
    for path, text in cases.items():
        with pytest.raises(DetectorError, match=text):
            load_model(path)
    with pytest.raises(AssetError, match="there is no detector at .*gone.pth"):
        load_model(tmp_path / "gone.pth")


def test_a_folder_that_is_something_else_or_unfinished_is_refused(folder, tmp_path):
    with pytest.raises(DetectorError, match="no readable config.json"):
        load_model(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(AssetError, match="no \\*.safetensors.*not finished"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "owlvit"}))
    with pytest.raises(DetectorError, match="'owlvit', not 'grounding-dino'"):
        load_model(tmp_path)


def test_a_model_that_would_half_load_is_no_model(folder, tmp_path):
    state = load_file(folder / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    key = "model.enc_output.bias"

    def refused(changed: dict[str, Tensor], text: str) -> None:
        save_file(changed, tmp_path / "model.safetensors")
        with pytest.raises(DetectorError, match=text):
            load_model(tmp_path)

    refused({k: v for k, v in state.items() if k != key}, f"1 tensors missing.*{key}")
    refused({**state, "model.extra": torch.zeros(2)}, "1 unknown.*model.extra")
    refused({**state, key: torch.zeros(3)}, "fit Grounding-DINO")
    refused({"model.text_projection.weight": torch.zeros(2, 2)}, "fit Grounding-DINO")


def test_weights_with_nan_are_told(folder):
    model = small_model()
    with torch.no_grad():
        model.bbox_embed[-1].layers[-1].bias.fill_(float("nan"))
    with pytest.raises(DetectorError, match="answers with NaN"):
        TransformersGrounder(model, load_tokenizer()).ask(torch.rand(1, 3, 64, 64), ["face"])


def test_weights_are_found_by_name_and_by_config(folder, tmp_path, monkeypatch):
    shared = tmp_path / "models" / "grounding-dino"
    shared.mkdir(parents=True)
    for name in (
        "groundingdino_swint_ogc.pth",
        "GroundingDINO_SwinB.cfg.py",
        "sam_vit_h.pth",
        "grounding-dino-tiny.safetensors",
        "groundingdino_swinb_cogcoor.pth.part",
    ):
        (shared / name).touch()
    hub = tmp_path / "hf" / "hub" / "models--IDEA-Research--grounding-dino-tiny" / "snapshots"
    hub.mkdir(parents=True)
    (hub / "abc").symlink_to(folder)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    names = [path.name for path in find_weights(usual_folders())]
    assert names == ["grounding-dino-tiny.safetensors", "groundingdino_swint_ogc.pth", "abc"]
    assert cache_folder() == tmp_path / "cache" / "facea" / "grounding-dino"
    assert read_weights(hub / "abc").keys() == read_weights(folder).keys()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("broken", ["listdir", "stat"])
def test_a_folder_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, broken: str
):
    """Lists of choices are drawn from it, in a host that an exception would end."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder in (good, bad):
        folder.mkdir()
        (folder / "groundingdino_swint_ogc.pth").touch()
    whole = getattr(os, broken)

    def fail(path=".", *args, **kwargs):
        if bad in (Path(path), *Path(path).parents):
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, *args, **kwargs)

    monkeypatch.setattr(os, broken, fail)
    assert find_weights([bad, good]) == [good / "groundingdino_swint_ogc.pth"]


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's here")
@pytest.mark.parametrize("variables", [["HF_HOME"], ["HF_HOME", "HF_HUB_CACHE"]])
def test_a_cache_that_may_not_be_entered_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: list[str]
):
    monkeypatch.chdir("/")
    (tmp_path / "cache" / "hub").mkdir(parents=True)
    tmp_path.chmod(0)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for variable in (*variables, "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        assert find_weights(usual_folders()) == []
    finally:
        os.seteuid(before)
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("config", ["[" * 5000, '{"a":' * 5000, "null", "9" * 5000, "pipe", "long"])
def test_a_config_that_is_none_makes_no_choice(tmp_path: Path, config: str):
    folder = tmp_path / "model"
    folder.mkdir()
    if config == "pipe":
        os.mkfifo(folder / "config.json")
    else:
        whole = json.dumps({"model_type": "grounding-dino", "a": "a" * (1 << 20)})
        (folder / "config.json").write_text(whole if config == "long" else config)
    assert find_weights([tmp_path]) == []
