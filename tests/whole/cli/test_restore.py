"""facea restore: a damaged photo comes back repaired, and outside the face as it was."""

import json

import pytest
import torch

from facea_core.cli import main
from facea_core.io.images import load_image, save_image

from .shell import failed


def restore(world, *more, image="ada.png"):
    words = [world / image, "--identity", world / "ada.safetensors", "--base", world / "base"]
    words += ["--out", "made.png", "--steps", "1", "--detector", "landmarks", "--device", "cpu"]
    return main(["restore", *map(str, [*words, *more])])


def test_a_face_is_repaired_and_the_rest_stays(world, inside, capsys):
    assert restore(world, "--json", "made.json") == 0
    told = json.loads((inside / "made.json").read_text())
    (face,) = told["faces"]
    assert set(face["damage"]) == {"scale", "blur", "noise", "jpeg", "grey", "motion"}
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    x0, y0, x1, y1 = face["crop"]
    assert not torch.equal(before, after)
    outside = torch.ones_like(before[:, :1])
    outside[..., max(y0, 0) : y1, max(x0, 0) : x1] = 0
    assert torch.equal(before * outside, after * outside)


def test_a_mask_says_what_is_repaired(world, inside, capsys):
    mask = torch.zeros(1, 3, 256, 256)
    mask[..., 80:140, 90:150] = 1
    save_image(mask, inside / "mask.png")
    assert restore(world, "--mask", "mask.png", "--fidelity", "0") == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    assert torch.equal(before[..., 200:, :], after[..., 200:, :])


@pytest.mark.parametrize(
    ("more", "words"),
    [(["--strength", "2"], ["strength"]), (["--fidelity", "2"], ["fidelity"])],
)
def test_a_wrong_value_is_one_line(world, inside, capsys, more, words):
    capsys.readouterr()
    failed(capsys, restore(world, *more), *words)
