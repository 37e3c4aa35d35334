"""Folders that cannot be written, disks that fill up, words among other files."""

import errno
import os
import resource
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facea_core.backbone import Backbone
from facea_core.errors import AssetError
from facea_core.identity import load_identity
from facea_core.identity_store.store import (
    Trained,
    find_identity,
)

from .learning import SHORT, files, learn


def test_a_folder_that_cannot_be_written_stops_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "facea").write_text("in the way")
    ticks = []
    with pytest.raises(AssetError, match="facea"):
        learn(backbone, tmp_path, on_tick=lambda *at: ticks.append(at))
    assert ticks == []
    assert [path.name for path in tmp_path.iterdir()] == ["facea"]


def test_a_full_disk_stops_before_the_first_step_and_changes_nothing(
    backbone: Backbone, place: Path
):
    before, ticks = files(place / "facea"), []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(AssetError, match="facea"):
            learn(backbone, place, config=SHORT, on_tick=lambda *at: ticks.append(at))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ticks == []
    assert files(place / "facea") == before
    assert not (place / "runs").exists()


def test_a_disk_that_is_full_at_the_end_leaves_the_older_identity(
    backbone: Backbone, place: Path, monkeypatch: pytest.MonkeyPatch
):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc, which knows what is written where")
    before, flush = files(place / "facea"), os.fsync

    def full(descriptor: int) -> None:
        if (place / "facea") in Path(os.readlink(f"/proc/self/fd/{descriptor}")).parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patch, pytest.raises(AssetError, match="No space left"):
        learn(
            backbone, place, config=SHORT, on_step=lambda report: patch.setattr(os, "fsync", full)
        )
    assert files(place / "facea") == before

    # With room again, what was learned is saved without another step.
    done = learn(backbone, place, config=SHORT)
    assert (done.record["steps_run"], done.record["resumed_from"]) == (0, 1)
    assert find_identity(place / "facea", "ada", done.record["origin"]) == done.path


@pytest.mark.parametrize("ending", [".safetensors", ".jpg", ".json"])
def test_an_older_identity_that_cannot_be_moved_away_stays_whole(
    backbone: Backbone, first: Trained, place: Path, ending: str
):
    before = files(place / "facea")
    in_the_way = place / "facea" / f"ada-{first.record['origin'][:8]}{ending}"
    in_the_way.mkdir()
    with pytest.raises(AssetError, match="cannot move the older"):
        learn(backbone, place, config=SHORT)
    assert files(place / "facea") == before
    in_the_way.rmdir()
    assert learn(backbone, place, config=SHORT).record["steps_run"] == 0
    assert before[f"ada{ending}"] == in_the_way.read_bytes()


# Words


def test_words_and_lora_of_a_name_are_of_one_person_whichever_was_asked_for(
    backbone: Backbone, tmp_path: Path
):
    words = tmp_path / "embeddings"
    short = replace(SHORT, embedding_lr=1e-2)
    for seed in (1, 2, 1):
        done = learn(backbone, tmp_path, config=replace(short, seed=seed), words=words)
        assert done.record["cached"] == (len(list((tmp_path / "facea").glob("*.json"))) == 3)
        (word,) = load_identity(tmp_path / "facea" / "ada.safetensors").words
        assert torch.equal(word.vectors["clip_l"], done.identity.words[0].vectors["clip_l"])
        written = load_file(words / "ada" / "eyes.safetensors")["clip_l"]
        assert torch.equal(written, word.vectors["clip_l"])


def test_words_that_cannot_be_written_stop_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "embeddings").write_text("in the way")
    ticks = []
    with pytest.raises(AssetError, match="embeddings"):
        learn(
            backbone, tmp_path, words=tmp_path / "embeddings", on_tick=lambda *at: ticks.append(at)
        )
    assert ticks == []
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings"]
