"""Where states cannot be written, and who waits for the disk."""

import resource
from pathlib import Path
from threading import Event
from time import sleep

import pytest
from safetensors.torch import save

from facea_core.backbone import Backbone
from facea_core.errors import AssetError
from facea_core.training import state as states
from facea_core.training.state import STATE_FILE
from facea_core.training.writer import Writing, settle

from .training import saved_step, train


def test_a_run_directory_that_cannot_be_written_stops_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    reports = []
    with pytest.raises(AssetError, match="file"):
        train(backbone, tmp_path / "file" / "run", on_step=reports.append)
    assert reports == []
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_fills_up_keeps_the_older_state(backbone: Backbone, tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(report) -> None:
        if report.step == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))

    try:
        with pytest.raises(AssetError, match=STATE_FILE):
            train(backbone, tmp_path, on_step=fill)
        settle()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved_step(tmp_path) == 0
    assert [p.name for p in tmp_path.iterdir()] == [STATE_FILE]


def test_who_stops_a_run_does_not_wait_for_the_disk(
    backbone: Backbone, tmp_path: Path, monkeypatch
):
    stopped = Event()

    def slow(*given):
        assert stopped.wait(60)
        return save(*given)

    def stop(report) -> None:
        if report.step == 2:
            monkeypatch.setattr(states, "save", slow)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(backbone, tmp_path, on_step=stop)
    assert not stopped.is_set()  # yet the exception is here
    stopped.set()
    assert saved_step(tmp_path) == 2
    assert [p.name for p in tmp_path.iterdir()] == [STATE_FILE]


def test_a_state_that_is_being_written_is_waited_for(backbone: Backbone, tmp_path: Path):
    order = []

    def late() -> bytes:
        sleep(0.2)
        order.append("first")
        return b"1"

    path = tmp_path / STATE_FILE
    first = Writing(path, late)
    second = Writing(path, lambda: order.append("second") or b"2", first)
    assert states.saved_step(tmp_path) == 0  # it is no state, but it is there
    assert order == ["first", "second"]
    second.wait()
    assert path.read_bytes() == b"2"


def test_a_state_that_cannot_be_written_is_told_when_it_is_waited_for(tmp_path: Path):
    (tmp_path / "file").write_text("")
    writing = Writing(tmp_path / "file" / STATE_FILE, lambda: b"")
    with pytest.raises(AssetError, match="file"):
        writing.wait()
