"""Masks as paint programs, segmenters and ComfyUI save them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from facea_core.errors import MaskError
from facea_core.io.mask_files import read_mask

SIZE = (120, 80)
WHERE = (30, 20, 80, 60)


def ellipse(mode: str, ground: object, colour: object) -> Image.Image:
    picture = Image.new(mode, SIZE, ground)  # pyright: ignore[reportArgumentType]
    ImageDraw.Draw(picture).ellipse(WHERE, fill=colour)  # pyright: ignore[reportArgumentType]
    return picture


WANTED = torch.from_numpy(np.asarray(ellipse("L", 0, 255)) > 0)[None, None]


def read(picture: Image.Image, folder: Path, name: str = "mask.png") -> tuple[Tensor, str]:
    picture.save(folder / name)
    mask, notes = read_mask(folder / name)
    assert mask.shape == (1, 1, SIZE[1], SIZE[0])
    return mask >= 0.5, " ".join(notes)


def photo() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize(
    ("mode", "ground", "colour"),
    [
        ("1", 0, 1), ("L", 0, 255), ("L", 3, 255), ("RGB", "black", "white"),
        ("RGB", "black", "red"), ("RGB", "black", (0, 128, 0)), ("RGBA", "black", "white"),
        ("I;16", 0, 65535), ("LA", (0, 255), (255, 255)),
    ],
)  # fmt: skip
def test_what_is_not_black_is_the_mask(mode: str, ground: object, colour: object, tmp_path: Path):
    mask, notes = read(ellipse(mode, ground, colour), tmp_path)
    assert torch.equal(mask, WANTED)
    assert notes == ""


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 30, 255)])
@pytest.mark.parametrize("below", [0, 255])
def test_a_brush_on_a_transparent_picture(colour: object, below: int, tmp_path: Path):
    mask, notes = read(ellipse("RGBA", (below, below, below, 0), colour), tmp_path)
    assert torch.equal(mask, WANTED)
    assert "drawn on a transparent" in notes


def test_a_photo_with_the_face_erased(tmp_path: Path):
    picture = photo()
    picture.putalpha(ellipse("L", 255, 0))
    mask, notes = read(picture, tmp_path)
    assert torch.equal(mask, WANTED)
    assert "where the picture is transparent" in notes
    # Lossless WebP keeps alpha, too.
    mask, _ = read(picture, tmp_path, "mask.webp")
    assert torch.equal(mask, WANTED)


def test_labels_of_two_values_are_a_mask(tmp_path: Path):
    mask, notes = read(ellipse("L", 0, 1), tmp_path)
    assert torch.equal(mask, WANTED)
    assert "0.0039" in notes
    palette = ellipse("P", 0, 1)
    palette.putpalette([0, 0, 0, 128, 0, 0])
    mask, _ = read(palette, tmp_path)
    assert torch.equal(mask, WANTED)


def test_a_mask_that_is_too_weak_is_refused_with_its_strongest_value(tmp_path: Path):
    picture = ellipse("L", 0, 1)
    ImageDraw.Draw(picture).rectangle((0, 0, 9, 9), fill=2)
    with pytest.raises(MaskError, match=r"mask\.png marks nothing.*0\.0078"):
        read(picture, tmp_path)


def test_black_is_left_to_who_asked(tmp_path: Path):
    assert not read(Image.new("L", SIZE), tmp_path)[0].any()
    assert not read(Image.new("RGBA", SIZE, (255, 255, 255, 0)), tmp_path)[0].any()


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path):
    (tmp_path / "mask.png").write_bytes(b"no picture")
    with pytest.raises(MaskError, match=r"mask\.png"):
        read_mask(tmp_path / "mask.png")
