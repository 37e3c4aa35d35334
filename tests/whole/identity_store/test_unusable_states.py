"""States that no run can go on from, and what is cleared away."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from facea_core.backbone import Backbone
from facea_core.errors import AssetError, TrainingError
from facea_core.identity import save_identity
from facea_core.identity_store import runs
from facea_core.identity_store.store import (
    KEPT_OLDER,
    Trained,
)
from facea_core.training.state import STATE_FILE

from .learning import SHORT, Stop, learn, stopping


def cut_short(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:-7])


def of_before(state: Path) -> None:
    """As an earlier version wrote it."""
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    about["format"] = 1
    save_file(load_file(state), state, {"facea.state": json.dumps(about)})


def of_other_layers(state: Path) -> None:
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    about["layout"]["lora"] = "another"
    save_file(load_file(state), state, {"facea.state": json.dumps(about)})


@pytest.mark.parametrize("spoil", [cut_short, of_before, of_other_layers])
def test_a_state_that_cannot_be_used_is_set_aside_and_the_training_begins_anew(
    backbone: Backbone, first: Trained, tmp_path: Path, spoil: Callable[[Path], None]
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    spoil(state)
    spoilt = state.read_bytes()
    done = learn(backbone, tmp_path)
    assert (done.record["resumed_from"], done.record["steps_run"]) == (0, 4)
    assert done.path.read_bytes() == first.path.read_bytes()
    (note,) = done.record["notes"]
    (aside,) = (tmp_path / "runs").glob("*.damaged")
    assert str(aside) in note
    assert aside.read_bytes() == spoilt
    # Once is enough: whoever asks again has nothing to hear.
    assert learn(backbone, tmp_path).record["notes"] == []


def test_a_state_that_cannot_be_read_now_stays(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    before = state.read_bytes()

    def denied(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(runs, "open", denied, raising=False)
        with pytest.raises(AssetError, match="Permission denied.*left"):
            learn(backbone, tmp_path)
    assert state.read_bytes() == before
    assert learn(backbone, tmp_path).record["resumed_from"] == 3


def test_a_state_of_a_newer_version_stays_and_it_says_so(backbone: Backbone, tmp_path: Path):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    save_file(load_file(state), state, {"facea.state": json.dumps({**about, "format": 99})})
    before = state.read_bytes()
    with pytest.raises(TrainingError, match="newer version"):
        learn(backbone, tmp_path)
    assert state.read_bytes() == before


# Left behind


def test_only_the_newest_of_the_older_trainings_stay(
    backbone: Backbone, first: Trained, place: Path
):
    folder = place / "facea"
    for age in range(KEPT_OLDER + 3):
        older = folder / f"ada-{age:08x}.safetensors"
        meta = replace(first.identity.meta, origin=f"{age:08x}{age:08x}")
        save_identity(replace(first.identity, meta=meta), older)
        older.with_suffix(".jpg").write_bytes(b"picture")
        os.utime(older, (1e9 - age, 1e9 - age))
    # What is not of FaceA's naming, or of somebody else, is not its to delete.
    words = tuple(
        replace(word, placeholder=word.placeholder.replace("ada/", "bob/"))
        for word in first.identity.words
    )
    theirs = replace(first.identity, name="bob", words=words)
    for name, identity in (("ada-at-the-sea", first.identity), ("ada-00000bad", theirs)):
        save_identity(identity, folder / f"{name}.safetensors")
        os.utime(folder / f"{name}.safetensors", (1, 1))
    done = learn(backbone, place, config=SHORT)
    left = {path.stem for path in folder.glob("*.safetensors")}
    own = {f"ada-{first.record['origin'][:8]}"}
    # The one that was pushed aside just now is the newest.
    kept = {f"ada-{age:08x}" for age in range(KEPT_OLDER - 1)}
    assert left == {"ada", "ada-at-the-sea", "ada-00000bad"} | own | kept
    assert {path.stem for path in folder.glob("ada-0*.jpg")} == kept
    assert len(done.record["notes"]) == 4
    assert all("deleted" in note for note in done.record["notes"])


def test_what_killed_writers_left_is_removed_and_what_living_ones_write_stays(
    backbone: Backbone, tmp_path: Path
):
    for place in ("runs/dead", "runs/living", "facea", "embeddings/ada"):
        (tmp_path / place).mkdir(parents=True)
    dead = [
        tmp_path / "runs" / "dead" / ".state.0123456789ab.tmp.safetensors",
        tmp_path / "runs" / "dead.lock",
        tmp_path / "facea" / ".ada.0123456789ab.tmp.safetensors",
        tmp_path / "embeddings" / "ada" / ".eyes.0123456789ab.tmp.safetensors",
    ]
    living = [
        tmp_path / "runs" / "living" / ".state.0123456789ab.tmp.safetensors",
        tmp_path / "facea" / ".eve.0123456789ab.tmp.safetensors",
        tmp_path / "embeddings" / "ada" / ".nose.0123456789ab.tmp.safetensors",
    ]
    for file in dead + living:
        file.write_bytes(b"half")
    os.utime(dead[3], (1e9, 1e9))
    with runs.at_work(tmp_path / "runs" / "living", lambda: None):
        learn(backbone, tmp_path, config=SHORT, words=tmp_path / "embeddings")
    assert [file for file in dead if file.exists()] == []
    assert [file for file in living if not file.exists()] == []
    assert not (tmp_path / "runs" / "dead").exists()
