"""Hugging Face's datasets reads a set with pictures, names and captions, with no network."""

from importlib import import_module

import pytest

from facea_core.dataset.card import write_card
from facea_core.dataset.formats import write_formats
from facea_core.dataset.manifest import write_manifest

from .small_set import make_set


def test_a_set_is_loaded_in_each_way(tmp_path, monkeypatch):
    for name in ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(import_module("facea_core.dataset.formats.parquet"), "LARGEST", 60_000)
    folder = tmp_path / "set"
    pictures = make_set(folder)
    cache = {"cache_dir": str(tmp_path / "cache")}
    write_manifest(folder, pictures)
    write_formats(folder, pictures, ["folder", "kohya"])
    write_card(folder, pictures, {})
    plain = datasets.load_dataset(str(folder), split="train", **cache)
    assert plain["caption"] == [one.caption for one in pictures]
    assert plain[0]["image"].size == (160, 160)

    write_formats(folder, pictures, ["parquet"])
    write_card(folder, pictures, {})
    files = sorted(str(path) for path in (folder / "parquet" / "data").iterdir())
    assert len(files) > 1
    assert files[0].endswith(f"train-00000-of-{len(files):05d}.parquet")
    whole = datasets.load_dataset(str(folder), split="train", **cache)
    given = datasets.load_dataset("parquet", data_files=files, split="train", **cache)
    for loaded in (whole, given):
        assert loaded.features["label"].names == ["ada", "bob", "eva"]
        assert list(loaded["label"]) == [one.label for one in pictures]
        assert list(loaded["seed"]) == [one.seed for one in pictures]
        assert list(loaded["asked_yaw"]) == [one.asked["yaw"] for one in pictures]
        assert [[tuple(p) for p in row] for row in loaded["points"]] == [
            list(one.points) for one in pictures
        ]
        assert loaded[0]["image"].size == (160, 160)
        raw = loaded.cast_column("image", datasets.Image(decode=False))
        for one, row in zip(pictures, raw, strict=True):
            assert row["image"]["bytes"] == (folder / one.path).read_bytes()
