"""facea edit."""

import json

import pytest
import torch

from facea_core.cli import main
from facea_core.io.images import load_image

from .shell import failed

QUICK = ["--steps", "1", "--out", "made.png", "--json", "made.json"]


def edit(world, *more, image="ada.png"):
    flags = ["--base", world / "base", "--detector", "landmarks", *QUICK, *more]
    return main(["edit", str(world / image), *map(str, flags)])


@pytest.mark.parametrize("whose", [(), ("--identity", "{}/ada.safetensors")])
def test_edit_changes_the_part_alone_with_and_without_a_person(world, inside, capsys, whose):
    assert edit(world, "--edit", "smiling", *(text.format(world) for text in whose)) == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    said = json.loads((inside / "made.json").read_text())
    x0, y0, x1, y1 = said["repainted"]
    assert y0 > (said["face"][1] + said["face"][3]) / 2
    assert not torch.equal(before, after)
    after[:, :, y0:y1, x0:x1] = before[:, :, y0:y1, x0:x1]
    assert torch.equal(before, after)


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("ada.png", ["--edit", "happier"], ["happier", "parts"]),
        ("ada.png", ["--edit", " "], ["is empty"]),
        ("ada.png", ["--edit", "smiling", "--parts", "elbow"], ["elbow"]),
        ("ada.png", ["--edit", "smiling", "--mask", "{}/black.png"], ["black all over"]),
        ("ada.png", ["--edit", "smiling", "--amount", "2"], ["amount", "2"]),
        ("ada.png", ["--edit", "smiling", "--identity", "gone"], ["gone"]),
        ("empty.png", ["--edit", "smiling"], ["empty.png", "no face"]),
    ],
)
def test_edit_refuses_in_one_line(world, inside, capsys, image, more, words):
    failed(capsys, edit(world, *(text.format(world) for text in more), image=image), *words)
    assert list(inside.iterdir()) == []
