import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from facea_core.errors import AssetError, IdentityFormatError
from facea_core.identity import (
    describe_identity,
    identities_of,
    load_identity,
    may_be_identity,
    peek_identity,
    save_identity,
)
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

LINEAR = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0"
CONV = "up_blocks.2.resnets.1.conv1"


@pytest.fixture
def identity() -> Identity:
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random)

    words = tuple(
        Word(f"ada/{name}", name, name, {"clip_l": draw(n, 8), "clip_g": draw(n, 12)})
        for name, n in (("eyes", 1), ("hair", 3))
    )
    lora = {
        LINEAR: LoraWeights(draw(4, 6), draw(5, 4), 4.0),
        CONV: LoraWeights(draw(4, 6, 3, 3), draw(7, 4, 1, 1), 2.5),
    }
    meta = IdentityMeta(
        "sd15", "0123456789abcdef", "woman", "a photo of embedding:ada/eyes", 100, 7, 4,
        config={"steps": 100, "rank": 4}, scores={"training": 0.5}, tool_version="0.1.0",
    )  # fmt: skip
    return Identity("ada", words, lora, meta)


def assert_equal(a: Identity, b: Identity) -> None:
    assert (a.name, asdict(a.meta)) == (b.name, asdict(b.meta))
    assert list(a.lora) == list(b.lora)
    for mine, other in zip(a.lora.values(), b.lora.values(), strict=True):
        assert torch.equal(mine.down, other.down)
        assert torch.equal(mine.up, other.up)
        assert mine.alpha == other.alpha
    assert len(a.words) == len(b.words)
    for mine, other in zip(a.words, b.words, strict=True):
        assert replace(mine, vectors={}).__dict__ == replace(other, vectors={}).__dict__
        assert mine.vectors.keys() == other.vectors.keys()
        assert all(torch.equal(mine.vectors[e], other.vectors[e]) for e in mine.vectors)


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


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


Change = Callable[[dict, dict], object]


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


def test_every_bit_of_the_data_counts(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    for number in range(begin, len(data), 37):
        changed = bytearray(data)
        changed[number] ^= 1 << number % 8
        path.write_bytes(changed)
        with pytest.raises(IdentityFormatError):
            load_identity(path)


def test_what_other_tools_say_in_a_file_does_not_matter(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    tensors, metadata = load_file(path), metadata_of(path)
    save_file(tensors, path, {**metadata, "modelspec.title": "Ada at the sea", "note": "x"})
    assert_equal(load_identity(path), identity)


def test_a_file_of_half_numbers_without_a_checksum_is_read(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    halves = {key: value.half() for key, value in load_file(path).items()}
    metadata = metadata_of(path)
    metadata.pop("facea.sha256")
    save_file(halves, path, metadata)
    rows = load_identity(path).words[0].vectors["clip_l"]
    assert torch.equal(rows, identity.words[0].vectors["clip_l"].half().float())


def test_a_header_of_megabytes_is_refused_unread(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    metadata = {**metadata_of(path), "zz": "a" * (1 << 20)}
    save_file(load_file(path), path, metadata)
    with pytest.raises(IdentityFormatError, match="header"):
        load_identity(path)
    assert peek_identity(path) is None


def test_a_hole_of_gigabytes_is_refused_unread(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    size = len(data) - 8 - length
    header["zz"] = {"dtype": "F32", "shape": [1 << 30], "data_offsets": [size, size + (1 << 32)]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + size + (1 << 32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IdentityFormatError, match="zz"):
        load_identity(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 16


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "name of 300", "NUL"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str):
    path = tmp_path / "ada.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind in ("device", "loop"):
        path.symlink_to("/dev/zero" if kind == "device" else path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / ("x" * 300 if kind == "name of 300" else "a\0b")
    signal.alarm(20)
    try:
        with pytest.raises(AssetError):
            load_identity(path)
        assert peek_identity(path) is None
        assert not may_be_identity(path)
        assert list(identities_of(tmp_path, "ada")) == []
    finally:
        signal.alarm(0)


def test_a_file_written_over_while_it_is_read_ends_nothing(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    whole = path.read_bytes()
    reader, writer = os.getpid(), os.fork()
    if writer == 0:
        while os.getppid() == reader:
            for cut in (0, len(whole) // 2, len(whole)):
                path.write_bytes(whole[:cut])
        os._exit(0)
    try:
        for _ in range(300):
            try:
                assert_equal(load_identity(path), identity)
            except IdentityFormatError:
                continue
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def test_only_what_begins_like_an_identity_is_looked_at(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    assert may_be_identity(path)
    save_file(load_file(path), path, metadata_of(path))  # metadata in another order
    assert may_be_identity(path)
    for name, data in (("empty", b""), ("short", b"{"), ("style", b"\0" * 100_000)):
        (tmp_path / name).write_bytes(data)
        assert not may_be_identity(tmp_path / name)
    assert not may_be_identity(tmp_path / "none")
