"""Aligned faces have eyes, nose and mouth where recognisers want them."""

import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from facea_core.dataset.formats import aligned, recordio
from facea_core.dataset.formats.aligned import PLACES, SIDE, aligned_crop
from facea_core.errors import ConfigError, ImageError
from facea_core.io.generated_images import ALL, SOURCES, generated_bytes

from .small_set import files_in, make_set, points_at, smooth


def gradient(side: int) -> torch.Tensor:
    """`(1, 3, side, side)` whose red is x / side, its green y / side."""
    line = (torch.arange(side) + 0.5) / side
    red, green = line.expand(side, side), line[:, None].expand(side, side)
    return torch.stack([red, green, torch.zeros_like(red)])[None]


def read_at(crop: torch.Tensor, points: np.ndarray) -> np.ndarray:
    """Red and green of the crop at points between its pixels."""
    grid = torch.from_numpy(2 * points / SIDE - 1)[None, None].float()
    seen = torch.nn.functional.grid_sample(crop, grid, align_corners=False)
    return seen[0, :2, 0].T.numpy()


@pytest.mark.parametrize("angle", [0, 17, -80, 180])
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3])
def test_the_points_come_to_lie_at_their_places(angle: float, scale: float):
    side = 600
    points = np.array(points_at(angle, scale)) + (side / 2 - 80)
    crop = aligned_crop(gradient(side), [tuple(p) for p in points])
    assert crop is not None
    assert crop.shape == (1, 3, SIDE, SIDE)
    assert np.abs(read_at(crop, PLACES) * side - points).max() < 0.05


def test_a_face_that_is_in_place_stays_as_it_is():
    image = smooth(3, SIDE, SIDE)
    crop = aligned_crop(image, [tuple(p) for p in PLACES])
    assert crop is not None
    assert float((crop - image).abs().max()) < 1e-4


def test_fine_stripes_become_grey_and_no_other_stripes():
    """One resampling with an aliasing filter would show waves of them."""
    stripes = (torch.arange(900) % 2).float().expand(1, 3, 900, 900)
    points = np.array(points_at(9.0, 5.0)) + (450 - 80)
    crop = aligned_crop(stripes, [tuple(p) for p in points])
    assert crop is not None
    assert float((crop - 0.5).abs().max()) < 0.01


@pytest.mark.parametrize(
    "points",
    [(), points_at(0)[:4], ((5.0, 5.0),) * 5, ((float("nan"), 0.0),) * 5, points_at(0, 1e5)],
)
def test_no_face_is_made_of_other_points(points):
    assert aligned_crop(smooth(0), points) is None


def test_a_picture_without_points_is_left_out_and_said(tmp_path):
    pictures = make_set(tmp_path)
    assert aligned.write(tmp_path, pictures) == (
        "1 picture left out, in which no five points were read",
    )
    made = files_in(tmp_path / "aligned")
    assert list(made) == [one.path.removeprefix("images/") for one in pictures[:-1]]
    for jpeg in made.values():
        with Image.open(io.BytesIO(jpeg)) as opened:
            assert (opened.size, opened.format, opened.mode) == ((SIDE, SIDE), "JPEG", "RGB")


@pytest.mark.parametrize("form", [aligned, recordio])
def test_a_set_without_any_points_is_refused(tmp_path, form):
    pictures = make_set(tmp_path, points=())
    with pytest.raises(ConfigError, match="leave out the formats aligned and recordio"):
        form.write(tmp_path, pictures)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_crop_is_as_generated_as_its_picture(tmp_path):
    (one,) = make_set(tmp_path, ("ada",), 1, points=points_at(0))
    aligned.write(tmp_path, [one])
    part = (tmp_path / "aligned/0000_ada/000.jpg").read_bytes()
    jpeg, _ = generated_bytes(smooth(0), source=ALL)
    (tmp_path / one.path).write_bytes(jpeg)
    aligned.write(tmp_path, [replace(one, sha256=_sha256(jpeg))])
    whole = (tmp_path / "aligned/0000_ada/000.jpg").read_bytes()
    assert b"/composite" in part
    assert b"/composite" not in whole
    assert b"/" + SOURCES[ALL].encode() in whole


def test_a_broken_jpeg_is_named(tmp_path):
    (one,) = make_set(tmp_path, ("ada",), 1, points=points_at(0))
    broken = (tmp_path / one.path).read_bytes()[:3000]
    (tmp_path / one.path).write_bytes(broken)
    with pytest.raises(ImageError, match="0000_ada/000.jpg"):
        aligned.write(tmp_path, [replace(one, sha256=_sha256(broken))])
    assert not (tmp_path / "aligned").exists()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
