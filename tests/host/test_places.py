"""Where people are saved: the first folder of LoRAs that can be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import Client
from .faces import outcome, training
from .server import Server


@pytest.fixture
def models(other_host: Server, tmp_path: Path) -> Iterator[Path]:
    """Where ComfyUI's own LoRAs and embeddings lie; after the test they lie there again."""
    models = other_host.base / "models"
    yield models
    for aside in tmp_path.iterdir():
        (models / aside.name).unlink()
        shutil.move(aside, models / aside.name)


@pytest.fixture
def more(other_host: Server) -> Path:
    return other_host.base.with_name("more")


def test_the_next_folder_is_taken_where_the_first_cannot_be_written(
    other_host: Server, models: Path, more: Path, tmp_path: Path
):
    with Client(other_host.url) as client:
        graph, trainer = training(name="here", steps=2, count=1)
        first = outcome(client.run(graph), trainer)
        assert first["path"] == "facea/here.safetensors"
        assert (models / "loras" / first["path"]).is_file()

        # What no right can be taken from: a file where a folder should be.
        for name in ("loras", "embeddings"):
            shutil.move(models / name, tmp_path / name)
            (models / name).write_text("")
        graph, trainer = training(name="there", steps=2, count=1)
        second = outcome(client.run(graph), trainer)
        assert (more / "loras" / second["path"]).is_file()
        assert (more / "embeddings" / "there" / "eyes.safetensors").is_file()
        said = [note for note in second["notes"] if "cannot be written" in note]
        assert len(said) == 1
        assert str(more / "loras" / "facea") in said[0]
        listed = client.object_info()["FaceALoRALoader"]["input"]["required"]["file"][1]["options"]
        assert second["path"] in listed


def test_a_person_of_any_folder_is_not_trained_again(other_host: Server, models: Path, more: Path):
    with Client(other_host.url) as client:
        graph, trainer = training(name="moved", steps=2, count=1)
        outcome(client.run(graph), trainer)
        folder = more / "loras" / "facea"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (models / "loras" / "facea").glob("moved.*"):
            shutil.move(path, folder)
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        client.free()
        again = outcome(client.run(graph), trainer)
    assert again["cached"] is True
    assert again["steps_run"] == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert not list((models / "loras" / "facea").glob("moved.*"))
