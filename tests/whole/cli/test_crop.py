"""facea crop and facea paste: a face goes out as files and comes back."""

import json

import pytest
import torch
from PIL import Image

from facea_core.cli import main
from facea_core.io.images import load_image

from .shell import failed


def crop(world, *more, image="ada.png"):
    words = [world / image, "--out", "cut", "--detector", "landmarks", *more]
    return main(["crop", *map(str, words)])


def paste(world, *more, image="ada.png"):
    words = [world / image, "--crops", "cut/crops.safetensors", "--out", "made.png", *more]
    return main(["paste", *map(str, words)])


def test_a_face_goes_out_and_comes_back_without_a_trace(world, inside, capsys):
    assert crop(world, "--size", "160", "--json", "cut.json") == 0
    assert sorted(path.name for path in (inside / "cut").iterdir()) == [
        "crop-1.png", "crops.safetensors", "mask-1.png",
    ]  # fmt: skip
    assert load_image(inside / "cut/crop-1.png")[0].shape == (1, 3, 160, 160)
    assert len(json.loads((inside / "cut.json").read_text())["crops"]) == 1
    assert paste(world, "--crop", "cut/crop-1.png") == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    assert torch.equal(before, after)


def test_what_another_program_made_of_it_is_where_the_mask_was(world, inside, capsys):
    assert crop(world, "--size", "64", "--parts", "nose, mouth") == 0
    for number in (1, 2):
        Image.new("RGB", (128, 128), "black").save(inside / f"new-{number}.png")
    more = ["--crop", "new-1.png", "new-2.png", "--json", "made.json", "--colour-match", "0"]
    assert paste(world, *more) == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    x0, y0, x1, y1 = json.loads((inside / "made.json").read_text())["repainted"]
    assert after[:, :, y0:y1, x0:x1].min() == 0
    after[:, :, y0:y1, x0:x1] = before[:, :, y0:y1, x0:x1]
    assert torch.equal(before, after)


def test_another_picture_of_the_size_is_told_of(world, inside, capsys):
    assert crop(world, "--size", "64") == 0
    capsys.readouterr()
    assert paste(world, "--crop", "cut/crop-1.png", image="grey.png") == 0
    assert "not the picture that the crops were cut from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("ada.png", ["--size", "65"], ["65", "multiple of 8"]),
        ("ada.png", ["--parts", "elbow"], ["elbow"]),
        ("ada.png", ["--mask", "{}/black.png"], ["black all over"]),
        ("ada.png", ["--mask", "{}/black.png", "--parts", "nose"], ["--mask", "--parts"]),
        ("empty.png", [], ["empty.png", "no face"]),
        ("text.png", [], ["text.png"]),
    ],
)
def test_crop_refuses_in_one_line(world, inside, capsys, image, more, words):
    failed(capsys, crop(world, *(text.format(world) for text in more), image=image), *words)
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("ada.png", ["--crop", "{}/ada.png", "{}/ada.png"], ["2 crops to paste and 1"]),
        ("empty.png", ["--crop", "cut/crop-1.png"], ["(64, 64)", "(256, 256)"]),
        ("ada.png", ["--crop", "cut/crop-1.png", "--crops", "{}/base"], ["base", "facea crop"]),
        ("ada.png", ["--crop", "cut/crop-1.png", "--crops", "{}/text.png"], ["text.png"]),
        ("ada.png", ["--crop", "cut/crop-1.png", "--crops", "gone"], ["gone"]),
    ],
)
def test_paste_refuses_in_one_line(world, inside, capsys, image, more, words):
    assert crop(world, "--size", "64") == 0
    capsys.readouterr()
    more = [text.format(world) for text in more]
    failed(capsys, paste(world, *more, image=image), *words)
    assert not (inside / "made.png").exists()
