"""facea hints: hints for a ControlNet as files."""

import json

import pytest
import torch

from facea_core.cli import main
from facea_core.io.images import load_image, save_image

from .shell import failed


def hints(world, *more, image="ada.png"):
    words = [world / image, "--out", "hint.png", "--detector", "mesh", *more]
    return main(["hints", *map(str, words)])


@pytest.mark.parametrize("kind", ["keypoints", "openpose", "lines", "edges", "lines and edges"])
def test_each_kind_is_a_picture_as_large_as_the_image(world, inside, capsys, kind):
    assert hints(world, "--kind", kind, "--json", "hint.json", "--mask", "mask.png") == 0
    assert capsys.readouterr().out.strip() == "hint.png"
    drawn, mask = load_image(inside / "hint.png")[0], load_image(inside / "mask.png")[0]
    assert drawn.shape == mask.shape == load_image(world / "ada.png")[0].shape
    assert drawn.max() == mask.max() == 1
    said = json.loads((inside / "hint.json").read_text())
    assert said["kind"] == kind
    (face,) = said["faces"]
    assert face["points"] == (70 if kind in ("keypoints", "openpose") else 0)
    assert "mouth" in face["outlines"]


def test_the_persons_face_is_drawn_by_the_share_that_is_asked(world, inside, capsys):
    other = inside / "other.png"
    wide = torch.nn.functional.interpolate(load_image(world / "ada.png")[0], (256, 332))
    save_image(wide, other)
    made = []
    for blend in ("0", "0.5", "1"):
        assert hints(world, "--photos", other, "--blend", blend) == 0
        made.append(load_image(inside / "hint.png")[0])
    assert hints(world) == 0
    assert torch.equal(made[0], load_image(inside / "hint.png")[0])
    changed = [float((one - made[0]).abs().sum()) for one in made]
    assert 0 == changed[0] < changed[1] < changed[2]


def test_a_picture_without_a_face_has_a_black_hint_and_a_note(world, inside, capsys):
    assert hints(world, image="empty.png") == 0
    assert "no face was found, so its hint is black" in capsys.readouterr().err
    assert load_image(inside / "hint.png")[0].max() == 0


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("ada.png", ["--kind", "edges", "--blend", "0.5"], ["blend", "photos"]),
        ("ada.png", ["--blend", "0.5", "--photos", "{}/empty.png"], ["1 photos", "face"]),
        ("ada.png", ["--blend", "2"], ["blend", "2"]),
        ("ada.png", ["--photos", "{}/gone.png", "--blend", "1"], ["gone.png"]),
        ("ada.png", ["--mask", "mask.txt"], ["mask.txt"]),
        ("text.png", [], ["text.png"]),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(world, inside, capsys, image, more, words):
    more = [text.format(world) for text in more]
    failed(capsys, hints(world, *more, image=image), *words)
    assert list(inside.iterdir()) == []
