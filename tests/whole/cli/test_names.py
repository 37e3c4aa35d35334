"""Names of files as people's disks and archives have them: no command ends in a traceback."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut

from facea_core.cli import main

LATIN = os.fsdecode(b"caf\xe9.jpg")
NAMES = [LATIN, "小明.jpg", "🙂.jpg"]
CONSOLES = ["cp1252", "ascii", "utf-8"]
LANDMARKS = ["--detector", "landmarks"]
LEARN = ["--base", "tiny", "--name", "ada", "--class", "man", "--preset", "tiny", "--steps", "1"]
LEARN += ["--variants", "1", "--batch", "1", "--device", "cpu", *LANDMARKS]


def run(encoding: str, *arguments: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command whose console has only these letters."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        status = main([str(word) for word in arguments])
    said = []
    for stream in streams:
        stream.seek(0)
        said.append(stream.read())
    return status, said[0], said[1]


@pytest.fixture(params=NAMES, ids=["latin-1", "chinese", "emoji"])
def photo(request, tmp_path, monkeypatch) -> Path:
    """A photo with such a name, in an otherwise empty working directory."""
    path = tmp_path / "photos" / request.param
    path.parent.mkdir()
    try:
        Image.fromarray(astronaut()).crop((100, 0, 356, 256)).save(path)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return path


@pytest.mark.parametrize("encoding", CONSOLES)
def test_detect_prints_any_name_and_writes_it_as_json(photo, encoding):
    status, out, _ = run(encoding, "detect", photo, *LANDMARKS, "--json", "found.json")
    assert status == 0
    assert f"{photo.suffix}: face" in out
    assert json.loads(Path("found.json").read_text("utf-8"))["faces"][0]["file"] == str(photo)


@pytest.mark.parametrize("encoding", CONSOLES)
def test_json_on_any_console_is_json_with_the_name(photo, encoding):
    status, out, _ = run(encoding, "detect", photo, *LANDMARKS, "--json", "-")
    assert status == 0
    assert json.loads(out)["faces"][0]["file"] == str(photo)


@pytest.mark.parametrize("encoding", CONSOLES)
def test_an_error_about_it_is_one_line(photo, encoding):
    photo.write_text("no picture")
    status, out, error = run(encoding, "detect", photo, *LANDMARKS)
    assert (status, out) == (1, "")
    assert len(error.splitlines()) == 1


def test_audit_draws_and_tables_any_name(photo):
    files = ["--overlay", "seen.png", "--json", "a.json", "--crops", "crops"]
    status, out, _ = run("cp1252", "audit", photo, *LANDMARKS, *files)
    assert status == 0
    assert f"{photo.suffix}  " in out
    assert json.loads(Path("a.json").read_text("utf-8"))["photos"][0]["name"] == photo.name
    assert Path("crops", f"{photo.stem}.face.png").is_file()


def test_train_learns_from_it_and_writes_under_such_a_name(photo):
    out = photo.with_suffix(".safetensors")
    assert run("cp1252", "train", photo, *LEARN, "--out", out, "--json", "t.json")[0] == 0
    assert json.loads(Path("t.json").read_text("utf-8"))["identity"] == str(out)
    assert run("cp1252", "info", out)[0] == 0
