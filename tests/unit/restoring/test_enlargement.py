"""An enlarged picture gives back its old pixels, and those what was done to them."""

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from facea_core.io.images import crop, from_pil, to_pil
from facea_core.restoring.degrade import Damage, degrade, enlarged
from facea_core.restoring.enlargement import found_enlargement, undone
from facea_core.restoring.estimate import estimate_damage
from facea_core.types import Box

INTERPOLATIONS = {
    "bicubic of torch": lambda small, size: enlarged(small, size),
    "linear": lambda small, size: F.interpolate(small, size=size, mode="bilinear"),
    "bicubic": lambda small, size: from_pil(
        to_pil(small).resize(size[::-1], Image.Resampling.BICUBIC)
    ),
    "lanczos": lambda small, size: from_pil(
        to_pil(small).resize(size[::-1], Image.Resampling.LANCZOS)
    ),
}


def larger(small: torch.Tensor, size: tuple[int, int], by: str) -> torch.Tensor:
    """In the 256 levels that files have."""
    return (INTERPOLATIONS[by](small, size) * 255).round() / 255


@pytest.mark.parametrize("by", INTERPOLATIONS)
@pytest.mark.parametrize(("old", "size"), [((64, 64), (128, 128)), ((41, 53), (163, 211))])
def test_the_old_pixels_are_had_back_to_within_rounding(clean, by, old, size):
    small = F.interpolate(clean, size=old, mode="area")
    image, box = larger(small, size, by), Box(10, 20, size[1] - 3, size[0] - 9)
    picture = crop(image, box)
    found = found_enlargement(picture, box, size)
    assert found is not None
    assert found.size == old
    off = []
    for each in found.interpolations:
        back, (top, left) = undone(picture, box, size, old, each)
        height, width = back.shape[-2:]
        same = small[..., top : top + height, left : left + width]
        assert min(height / box.height, width / box.width) > 0.8 * old[0] / size[0]
        off.append(float((back - same).abs().median()))
    assert min(off) < 1 / 255


@pytest.mark.parametrize("damage", [Damage(), Damage(noise=8), Damage(blur=2, noise=3)])
def test_a_picture_that_was_not_enlarged_is_left_alone(clean, damage):
    image = (degrade(clean, damage, 1) * 255).round() / 255
    box = Box(0, 0, 128, 128)
    assert found_enlargement(image, box, (128, 128)) is None


def test_a_plain_picture_has_no_old_size():
    image = torch.full((1, 3, 64, 64), 0.5)
    assert found_enlargement(image, Box(0, 0, 64, 64), (64, 64)) is None


@pytest.mark.parametrize("by", INTERPOLATIONS)
@pytest.mark.parametrize(("times", "quality"), [(2, 80), (2, 40), (4, 60)])
def test_jpeg_is_found_beneath_an_enlargement(clean, by, times, quality):
    small = degrade(clean, Damage(scale=times, noise=5, jpeg=quality), 1)
    image = larger(small, (128, 128), by)
    found = estimate_damage(image, Box(0, 0, 128, 128), 128)
    assert found.scale == times
    assert found.jpeg == pytest.approx(quality, abs=5)


def test_damage_is_the_same_before_and_after_an_enlargement(clean):
    small = degrade(clean, Damage(scale=2, noise=8, jpeg=70), 1)
    before = estimate_damage(small, Box(0, 0, 64, 64), 128)
    after = estimate_damage(larger(small, (192, 192), "bicubic"), Box(0, 0, 192, 192), 128)
    assert (after.scale, after.jpeg) == (before.scale, before.jpeg)
    assert after.noise == pytest.approx(before.noise, abs=1)


def test_a_part_of_an_enlarged_picture_is_enough(clean):
    image = larger(degrade(clean, Damage(jpeg=50), 1), (512, 512), "bicubic")
    found = estimate_damage(image, Box(200, 160, 320, 280), 240)
    assert found.scale == pytest.approx(8, rel=0.02)
