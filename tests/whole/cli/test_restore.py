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


def album(world, photos, *more, out="repaired"):
    some = photos if isinstance(photos, list) else [photos]
    words = ["--identity", world / "ada.safetensors", "--base", world / "base", "--out", out]
    words += ["--steps", "1", "--detector", "landmarks", "--device", "cpu"]
    return main(["restore", *map(str, [*some, *words, *more])])


@pytest.fixture
def photos(world, inside):
    """Two photos with a face, and two that cannot be repaired."""
    folder = inside / "photos"
    folder.mkdir()
    ada = load_image(world / "ada.png")[0]
    save_image(ada, folder / "a.png")
    save_image(ada.flip(3), folder / "b.png")
    save_image(torch.full((1, 3, 64, 64), 0.5), folder / "wall.png")
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_an_album_is_repaired_photo_by_photo_and_gone_on_with(world, inside, photos, capsys):
    assert album(world, photos, "--strip", "strips") == 0
    said = capsys.readouterr()
    assert "2 of 4 photos repaired" in said.out
    assert "wall.png: left out" in said.err
    assert "broken.jpg: left out" in said.err
    out = inside / "repaired"
    listed = {
        one["photo"]: one for one in json.loads((out / "restored.json").read_text())["photos"]
    }
    assert len(listed) == 4
    assert {path.name for path in out.iterdir()} == {"a.png", "b.png", "restored.json"}
    assert {path.name for path in (inside / "strips").iterdir()} == {"a.png", "b.png"}
    assert restore(world) == 0
    assert (out / "a.png").read_bytes() == (inside / "made.png").read_bytes()
    # Only what is missing, or not what it was, is made again.
    kept, made = ((out / f"{name}.png").stat().st_mtime_ns for name in "ab")
    whole = (out / "b.png").read_bytes()
    (out / "b.png").write_bytes(b"spoiled")
    assert album(world, photos) == 0
    assert (out / "a.png").stat().st_mtime_ns == kept
    assert (out / "b.png").read_bytes() == whole
    assert album(world, photos, "--fidelity", "1") == 0
    assert (out / "a.png").stat().st_mtime_ns != kept


def test_photos_of_one_name_do_not_overwrite_each_other(world, inside, photos):
    (inside / "more").mkdir()
    (photos / "a.png").rename(inside / "more" / "b.png")
    assert album(world, [photos / "b.png", inside / "more" / "b.png"]) == 0
    first, second = ((inside / "repaired" / name).read_bytes() for name in ("b.png", "b-2.png"))
    assert first != second


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--mask", "m.png"], ["--mask is for one photo"]),
        (["--out", "made.png"], ["several photos need a folder"]),
        (["--out", "photos"], ["--out is the folder of the photos"]),
        (["--strip", "s.png"], ["--strip", "several photos need a folder"]),
    ],
)
def test_what_an_album_cannot_have_is_one_line(world, photos, capsys, more, words):
    capsys.readouterr()
    failed(capsys, album(world, photos, *more), *words)
    assert len(list(photos.iterdir())) == 4
