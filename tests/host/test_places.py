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
def two_folders(comfyui: Path, tmp_path: Path) -> Iterator[Server]:
    """A ComfyUI that knows a second folder of LoRAs and of embeddings, by extra model paths."""
    more = tmp_path / "more"
    more.mkdir()
    paths = tmp_path / "extra.yaml"
    paths.write_text(f"more:\n  base_path: {more}\n  loras: loras\n  embeddings: embeddings\n")
    with Server(comfyui, tmp_path / "base", "--extra-model-paths-config", str(paths)) as server:
        yield server


def test_the_next_folder_is_taken_where_the_first_cannot_be_written(
    two_folders: Server, tmp_path: Path
):
    models, more = two_folders.base / "models", tmp_path / "more"
    with Client(two_folders.url) as client:
        graph, trainer = training(name="here", steps=2, count=1)
        first = outcome(client.run(graph), trainer)
        assert first["path"] == "facea/here.safetensors"
        assert (models / "loras" / first["path"]).is_file()

        # What no right can be taken from: a file where a folder should be.
        shutil.move(models / "loras", tmp_path / "loras")
        shutil.rmtree(models / "embeddings")
        (models / "loras").write_text("")
        (models / "embeddings").write_text("")
        graph, trainer = training(name="there", steps=2, count=1)
        second = outcome(client.run(graph), trainer)
        assert (more / "loras" / second["path"]).is_file()
        assert (more / "embeddings" / "there" / "eyes.safetensors").is_file()
        said = [note for note in second["notes"] if "cannot be written" in note]
        assert len(said) == 1
        assert str(more / "loras" / "facea") in said[0]
        listed = client.object_info()["FaceALoRALoader"]["input"]["required"]["file"][1]["options"]
        assert second["path"] in listed


def test_a_person_of_any_folder_is_not_trained_again(two_folders: Server, tmp_path: Path):
    more = tmp_path / "more" / "loras" / "facea"
    with Client(two_folders.url) as client:
        graph, trainer = training(name="moved", steps=2, count=1)
        outcome(client.run(graph), trainer)
        shutil.move(two_folders.base / "models" / "loras" / "facea", more)
        before = {path.name: path.stat().st_mtime_ns for path in more.iterdir()}
        client.free()
        again = outcome(client.run(graph), trainer)
    assert again["cached"] is True
    assert again["steps_run"] == 0
    assert {path.name: path.stat().st_mtime_ns for path in more.iterdir()} == before
