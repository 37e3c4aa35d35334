"""What is no identity, or a changed one, is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from facea_core.errors import AssetError, IdentityFormatError
from facea_core.identity import (
    load_identity,
    peek_identity,
    save_identity,
)
from facea_core.types import Identity

from .metadata import Change, metadata_of


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(AssetError, match=path.name):
            load_identity(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused(identity: Identity, tmp_path: Path, share: float):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(IdentityFormatError, match=r"ada\.safetensors.*cut off"):
        load_identity(path)


def test_pickles_and_pictures_are_refused(tmp_path: Path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "ada.pt")
    (tmp_path / "ada.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    for name in ("ada.pt", "ada.png"):
        with pytest.raises(IdentityFormatError, match=rf"{name} is not a safetensors"):
            load_identity(tmp_path / name)


def test_another_lora_is_not_an_identity(tmp_path: Path):
    path = tmp_path / "style.safetensors"
    for metadata in (None, {"ss_network_dim": "4"}):
        save_file({"lora_unet_x.alpha": torch.ones(())}, path, metadata)
        with pytest.raises(IdentityFormatError, match="not a FaceA identity"):
            load_identity(path)


def set_format(value: str) -> Change:
    return lambda tensors, metadata: metadata.update({"facea.format": value})


def set_meta(value: str) -> Change:
    return lambda tensors, metadata: metadata.update({"facea.meta": value})


def without_key(part: str) -> Change:
    return lambda tensors, metadata: [tensors.pop(k) for k in list(tensors) if part in k]


def unknown_tensor(tensors: dict, metadata: dict) -> None:
    tensors["lora_te_x.alpha"] = torch.ones(())


def other_rank(tensors: dict, metadata: dict) -> None:
    key = next(k for k in tensors if k.endswith("conv1.lora_up.weight"))
    tensors[key] = tensors[key][:, :2].contiguous()


def infinite(tensors: dict, metadata: dict) -> None:
    next(iter(tensors.values())).fill_(torch.inf)


def bad_name(tensors: dict, metadata: dict) -> None:
    metadata["facea.meta"] = metadata["facea.meta"].replace('"name": "ada"', '"name": "../ada"')


def without_field(tensors: dict, metadata: dict) -> None:
    meta = json.loads(metadata["facea.meta"])
    del meta["training"]["family"]
    metadata["facea.meta"] = json.dumps(meta)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (set_format("2"), "update the pack"),
        (set_format("x"), "'x'"),
        (set_format("²"), "'²'"),
        (set_format("9" * 5000), "not a number"),
        (set_meta("[" * 2000 + "]" * 2000), "nested"),
        (set_meta('{"steps": ' + "9" * 5000 + "}"), "5000 digits"),
        (set_meta("{"), "JSON"),
        (set_meta("[]"), "JSON object"),
        (set_meta("{}"), "words"),
        (set_meta('{"words": 3}'), "int"),
        (without_key("to_out_0.alpha"), "to_out_0.alpha"),
        (without_key("ada/eyes.clip_g"), "clip_g"),
        (unknown_tensor, "lora_te_x"),
        (other_rank, "shapes"),
        (infinite, "NaN or infinite"),
        (without_field, "family"),
        (bad_name, "'../ada'"),
    ],
)
def test_a_changed_file_is_refused(identity: Identity, tmp_path: Path, change: Change, named: str):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    tensors, metadata = load_file(path), metadata_of(path)
    change(tensors, metadata)
    save_file(tensors, path, metadata)
    with pytest.raises(IdentityFormatError, match=named) as caught:
        load_identity(path)
    assert "ada.safetensors" in str(caught.value)


def change_meta(path: Path, change: Callable[[dict], object], **tensors: torch.Tensor) -> None:
    """Rewrites a file of an older version, without a checksum, whose metadata say something else;
    `tensors` take the places of those that end in these names."""
    stored, metadata = load_file(path), metadata_of(path)
    metadata.pop("facea.sha256", None)
    meta = json.loads(metadata["facea.meta"])
    change(meta)
    metadata["facea.meta"] = json.dumps(meta)
    for ending, tensor in tensors.items():
        key = next(key for key in stored if key.endswith(ending.replace("__", ".")))
        stored[key] = tensor
    save_file(stored, path, metadata)


def put(*path: str | int, value: object) -> Callable[[dict], object]:
    def change(meta: dict) -> None:
        at: dict = meta
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


def renamed(to: str) -> Callable[[dict], object]:
    return put("words", 0, "placeholder", value=to)


@pytest.mark.parametrize(
    "change",
    [
        renamed("../../../outside/startup"),
        renamed("/tmp/absolute"),
        renamed("eve/eyes"),
        renamed("ada/nose"),
        put("words", 0, "attribute", value="soul"),
        put("words", value=[]),
        put("layers", value=[]),
        put("layers", 0, value=5),
        put("layers", 0, value="a/b"),
        put("words", 0, "initializer", value=" "),
        put("words", 0, "encoders", "clip_l", value=2),
        put("words", 0, "encoders", "clip_l", value=True),
        put("words", 0, "encoders", value=["clip_l", "clip_g"]),
        put("name", value=["ada"]),
        put("name", value="a" * 65),
        put("training", "family", value=["sd15"]),
        put("training", "steps", value="100"),
        put("training", "steps", value=True),
        put("training", "steps", value=-1),
        put("training", "seed", value=2**64),
        put("training", "rank", value=0),
        put("training", "rank", value=5),
        put("training", "class_noun", value="\ud800"),
        put("training", "prompt", value=None),
        put("training", "config", value=[]),
        put("training", "config", "deep", value={"a": [[]]}),
        put("training", "scores", value={"training": "0.5"}),
        put("training", "scores", value={"training": float("inf")}),
    ],
)
def test_what_no_identity_says_is_refused(identity: Identity, tmp_path: Path, change: Callable):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    change_meta(path, lambda meta: None)
    assert load_identity(path).name == "ada"
    assert peek_identity(path) is not None
    change_meta(path, change)
    with pytest.raises(IdentityFormatError, match=r"ada\.safetensors is damaged"):
        load_identity(path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"conv1.lora_down.weight": (0, 6, 3, 3), "conv1.lora_up.weight": (7, 0, 1, 1)},
        {"conv1.lora_down.weight": (4, 6, 3)},
        {"conv1.lora_up.weight": (7, 4, 2, 2)},
        {"conv1.lora_up.weight": (7, 4)},
        {"conv1.alpha": (1,)},
        {"ada/eyes.clip_l": (8,)},
        {"ada/eyes.clip_l": (0, 8)},
        {"ada/eyes.clip_l": (1, 9)},
        {"ada/eyes.clip_l": (1, 1, 8)},
    ],
    ids=str,
)
def test_shapes_that_no_identity_has_are_refused(
    identity: Identity, tmp_path: Path, tensors: dict[str, tuple[int, ...]]
):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    change_meta(path, lambda meta: None, **{k: torch.ones(s) for k, s in tensors.items()})
    with pytest.raises(IdentityFormatError, match="shape"):
        load_identity(path)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int32, torch.float8_e4m3fn, torch.bool])
def test_numbers_that_are_not_real_are_refused(
    identity: Identity, tmp_path: Path, dtype: torch.dtype
):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    change_meta(path, lambda meta: None, **{"ada/eyes.clip_l": torch.ones(1, 8).to(dtype)})
    with pytest.raises(IdentityFormatError):
        load_identity(path)
