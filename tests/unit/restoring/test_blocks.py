"""Blur and noise from before a compression are told from the waves that it left."""

import math

import pytest
import torch

from facea_core.restoring.blocks import blur_and_noise
from facea_core.restoring.degrade import Damage, degrade
from facea_core.restoring.jpeg import found_jpeg


def told(image: torch.Tensor, damage: Damage) -> tuple[float, float]:
    jpeg = found_jpeg(degrade(image, damage, 1))
    assert jpeg is not None
    return blur_and_noise(jpeg)


@pytest.mark.parametrize("quality", [50, 65, 80])
def test_more_blur_is_more_and_about_right(clean, quality):
    found = [told(clean, Damage(blur=blur, noise=5, jpeg=quality))[0] for blur in (0, 1, 2, 4)]
    assert found == sorted(found)
    assert found == [pytest.approx(blur, rel=0.4, abs=0.5) for blur in (0, 1, 2, 4)]


@pytest.mark.parametrize("quality", [50, 65, 80])
@pytest.mark.parametrize("blur", [0, 2])
def test_more_noise_is_more_and_about_right(clean, quality, blur):
    found = [told(clean, Damage(blur=blur, noise=n, jpeg=quality))[1] for n in (0, 5, 10, 20)]
    assert found == sorted(found)
    # A photograph has a grain of its own.
    wanted = [math.hypot(noise, found[0]) for noise in (5, 10, 20)]
    assert found[1:] == [pytest.approx(noise, rel=0.25, abs=1) for noise in wanted]


@pytest.mark.parametrize("quality", [40, 75, 95])
def test_the_noise_of_a_plain_picture_is_told_exactly(quality):
    plain = torch.full((1, 3, 128, 128), 0.5)
    for noise in (8, 17, 30):
        assert told(plain, Damage(noise=noise, jpeg=quality))[1] == pytest.approx(noise, rel=0.15)


def test_a_single_block_has_an_answer(clean):
    jpeg = found_jpeg(degrade(clean, Damage(jpeg=60), 0))
    assert jpeg is not None
    blur, noise = blur_and_noise(jpeg._replace(waves=jpeg.waves[:1]))
    assert 0 <= blur <= 8
    assert 0 <= noise <= 70
