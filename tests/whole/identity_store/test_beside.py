"""Older identities of a name, damaged ones, and what lies beside them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image

from facea_core.backbone import Backbone
from facea_core.identity_store.store import (
    Trained,
)

from .learning import SHORT, begins, files, learn, same


def test_another_training_of_the_name_keeps_the_older_one(
    backbone: Backbone, first: Trained, place: Path
):
    folder, before = place / "facea", files(place / "facea")
    other = learn(backbone, place, config=SHORT)
    assert other.path == folder / "ada.safetensors"
    assert not same(other.identity, first.identity)
    older = f"ada-{first.record['origin'][:8]}"
    kept = {name: data for name, data in files(folder).items() if name.startswith(older)}
    assert kept == {name.replace("ada", older, 1): data for name, data in before.items()}
    assert len(files(folder)) == 6

    # Back to the first settings, and forth: nothing is trained, and who is asked for is in place.
    after = files(folder)
    back = learn(backbone, place)
    assert (back.record["cached"], back.path) == (True, other.path)
    assert {name: data for name, data in files(folder).items() if name in before} == before
    assert same(back.identity, first.identity)
    assert torch.equal(back.plot, first.plot)
    assert back.sheet.shape == first.sheet.shape
    newer = f"ada-{other.record['origin'][:8]}"
    pushed = {name: files(folder)[name.replace("ada", newer, 1)] for name in before}
    assert pushed == {name: after[name] for name in before}
    assert learn(backbone, place, config=SHORT).path == other.path
    # Each under its own long name, and the one that was asked for last under the plain one.
    assert {name: files(folder)[name] for name in after} == after
    assert len(files(folder)) == 9


@pytest.mark.parametrize("damaged", [lambda data: data[:-1], lambda data: b"", lambda data: b"{}"])
def test_a_damaged_file_is_not_found(backbone: Backbone, place: Path, damaged: Callable):
    path = place / "facea" / "ada.safetensors"
    path.write_bytes(damaged(path.read_bytes()))
    assert begins(backbone, place)


def test_an_identity_with_damaged_values_is_learned_anew_and_once(backbone: Backbone, place: Path):
    path = place / "facea" / "ada.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-4] + b"\xff\xff\xff\xff")
    done = learn(backbone, place)
    assert (done.record["cached"], done.record["steps_run"]) == (False, 4)
    assert path.read_bytes() == data
    # Once is enough, whatever became of the damaged one.
    assert not begins(backbone, place)


GONE = None


@pytest.mark.parametrize(
    "beside",
    [
        {"ada.jpg": GONE, "ada.json": GONE},
        {"ada.jpg": GONE},
        {"ada.jpg": b"\xff\xd8\xff\xe0"},
        {"ada.json": GONE},
        {"ada.json": b"{"},
        {"ada.json": b"\xff\xfe"},
        {"ada.json": b"[]"},
        {"ada.json": b'{"activation text": "ada"}'},
        {"ada.json": b'{"facea": null}'},
        {"ada.json": b'{"facea": {"losses": null}}'},
        {"ada.json": b'{"facea": {"losses": [["a", 1]]}}'},
    ],
    ids=lambda beside: " ".join(f"{name} {data!r}" for name, data in beside.items()),
)
def test_what_lies_beside_may_be_gone_or_damaged(
    backbone: Backbone, first: Trained, place: Path, beside: dict[str, bytes | None]
):
    for name, data in beside.items():
        path = place / "facea" / name
        path.unlink() if data is None else path.write_bytes(data)
    found = learn(backbone, place)
    assert (found.record["cached"], found.record["steps_run"]) == (True, 0)
    assert same(found.identity, first.identity)
    assert found.sheet.shape[:2] == found.plot.shape[:2] == (1, 3)
    if "ada.json" not in beside:
        assert torch.equal(found.plot, first.plot)
    if "ada.jpg" not in beside:
        assert found.sheet.shape == first.sheet.shape


def test_lora_managers_can_read_the_record(first: Trained):
    about = json.loads(first.path.with_suffix(".json").read_text("utf-8"))
    assert about["activation text"] == first.identity.meta.prompt
    assert "embedding:ada/eyes" in about["activation text"]
    assert about["preferred weight"] == 1.0
    assert about["sd version"] == "Unknown"
    assert "ada" in about["description"]
    assert about["facea"]["origin"] == first.record["origin"]


def test_the_picture_says_that_it_was_generated(first: Trained):
    with Image.open(first.path.with_suffix(".jpg")) as picture:
        exif = picture.getexif()
    assert exif[ExifTags.Base.Software].startswith("FaceA")
    assert "not a photograph" in exif[ExifTags.Base.ImageDescription]
