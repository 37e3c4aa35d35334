"""facea detect."""

import json

import pytest

from facea_core.cli import main
from facea_core.io.images import load_image

from .shell import failed


def test_detect_writes_boxes_and_a_preview(world, inside, capsys):
    photos = [str(world / "ada.png"), str(world / "grey.png")]
    files = ["--json", "found.json", "--preview", "found.png"]
    assert main(["detect", *photos, "--detector", "landmarks", *files]) == 0
    faces = json.loads((inside / "found.json").read_text())["faces"]
    assert [face["file"] for face in faces] == photos
    assert {"eyes", "nose", "mouth"} <= set(faces[0]["parts"])
    assert any("grey" in text for text in faces[1]["notes"])
    assert load_image(inside / "found.png")[0].shape[2] == 512
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_detect_answers_to_stdout_as_json_alone(world, inside, capsys):
    assert main(["detect", str(world / "ada.png"), "--detector", "landmarks", "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["faces"]) == 1
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}/empty.png", "--detector", "landmarks"], ["empty.png", "no face"]),
        (["{}/text.png"], ["text.png"]),
        (["{}/cut.png"], ["cut.png", "truncated"]),
        (["{}/dot.png"], ["dot.png", "1x1"]),
        (["{}/none.png"], ["none.png"]),
        (["{}/ada.png", "--attributes", "eyes, nosee"], ["'nosee'", "'nose'"]),
        (["{}/ada.png", "--detector-model", "gone.pth"], ["no detector at gone.pth"]),
        (["{}/ada.png", "--detector-download", "swinx"], ["'swinx'", "swint"]),
        (["{}/ada.png", "--detector", "magic"], ["'magic'"]),
        (["{}/ada.png", "--preview", "{}/ada.png/found.png"], ["cannot write"]),
        ([], ["no pictures"]),
    ],
)
def test_detect_refuses_in_one_line(world, inside, capsys, arguments, words):
    status = main(["detect", *(text.format(world) for text in arguments), "--json", "x.json"])
    failed(capsys, status, *words)
    assert list(inside.iterdir()) == []
