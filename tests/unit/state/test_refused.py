"""States that are damaged or say what no state says."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from facea_core.backbone import Backbone
from facea_core.errors import TrainingError
from facea_core.io.tensor_files import checksum
from facea_core.training import state as states
from facea_core.training.state import STATE_FILE

from .training import bytes_of, train


def rewrite(state: Path, run_dir: Path, change: Callable[[dict], object]) -> None:
    """The state in another folder, changed as somebody would who forges checksums."""
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    tensors, text = load_file(state), change(about)
    text = text if isinstance(text, str) else json.dumps(about)
    metadata = {"facea.state": text, "facea.sha256": checksum(tensors, text)}
    if about["format"] == 2:
        del metadata["facea.sha256"]
    save_file(tensors, run_dir / STATE_FILE, metadata)


def test_every_number_of_a_state_counts(backbone: Backbone, tmp_path: Path, state: Path):
    data = state.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    for number in range(begin, len(data), len(data) // 20):
        changed = bytearray(data)
        changed[number] ^= 1
        (tmp_path / STATE_FILE).write_bytes(changed)
        with pytest.raises(TrainingError, match="damaged"):
            train(backbone, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda about: about.update(plan=3), "damaged"),
        (lambda about: about.update(plan=["resolution"]), "damaged"),
        (lambda about: about["plan"].update(resolution="64"), "damaged"),
        (lambda about: about.update(step=6), "at step 6, and 5 are asked for"),
        (lambda about: about.update(step="2"), "damaged"),
        (lambda about: about.update(step=-1), "damaged"),
        (lambda about: about.update(run=None), "damaged"),
        (lambda about: about.update(format="٣"), "damaged"),
        (lambda about: about.update(format=1), "older version"),
        (lambda about: about.update(format=4), "newer version"),
        (lambda about: "[" * 5000, "nested"),
        (lambda about: '{"step": ' * 3000 + "1" + "}" * 3000, "nested"),
        (lambda about: "null", "damaged"),
    ],
)
def test_what_no_state_says_is_refused(
    backbone: Backbone, tmp_path: Path, state: Path, change: Callable, named: str
):
    rewrite(state, tmp_path, change)
    states.saved_step(tmp_path)
    with pytest.raises(TrainingError, match=named):
        train(backbone, tmp_path, resume=True)


def test_a_state_from_before_there_were_checksums_is_gone_on_with(
    backbone: Backbone, tmp_path: Path, state: Path, uninterrupted: bytes
):
    rewrite(state, tmp_path, lambda about: about.update(format=2))
    identity = train(backbone, tmp_path, resume=True)
    assert bytes_of(identity, tmp_path / "a.safetensors") == uninterrupted


def test_a_state_that_cannot_be_read_is_not_called_damaged(
    backbone: Backbone, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / STATE_FILE).write_bytes(state.read_bytes())
    whole = os.open

    def refuse(path, *given, **options):
        if str(path).endswith(STATE_FILE):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return whole(path, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert states.saved_step(tmp_path) == 0
        with pytest.raises(TrainingError, match="Permission denied") as caught:
            train(backbone, tmp_path, resume=True)
    assert "delete" not in str(caught.value)
    assert (tmp_path / STATE_FILE).read_bytes() == state.read_bytes()


def test_nothing_to_resume_is_an_error_that_leaves_no_file(backbone: Backbone, tmp_path: Path):
    with pytest.raises(TrainingError, match="does not exist"):
        train(backbone, tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match="run directory"):
        train(backbone, None, resume=True)
    assert list(tmp_path.iterdir()) == []
