"""How far off a picture is for noise and JPEG, as measured on one."""

import pytest

from facea_core.io.images import luma_of
from facea_core.restoring.degrade import Damage, damp, degrade
from facea_core.restoring.jpeg import error_of


@pytest.mark.parametrize("quality", [None, 85, 60, 35])
@pytest.mark.parametrize("noise", [0, 5, 12])
@pytest.mark.parametrize("grey", [False, True])
def test_the_error_is_about_that_of_pictures(clean, quality, noise, grey):
    damage = Damage(noise=noise, jpeg=quality, grey=grey)
    wanted = damp(clean, damage)
    wanted = luma_of(wanted).expand_as(wanted) if grey else wanted
    off = float((degrade(clean, damage, 1) - wanted).square().mean().sqrt()) * 255
    assert off / 2 - 1 < error_of(damage) < off * 2 + 1


def test_more_damage_is_a_larger_error():
    stronger = [Damage(jpeg=quality, noise=3) for quality in (95, 80, 50, 20, 5)]
    errors = [error_of(damage) for damage in stronger]
    assert errors == sorted(errors)
    noisier = [error_of(Damage(jpeg=60, noise=noise)) for noise in (0, 4, 10, 30)]
    assert noisier == sorted(noisier)
    assert error_of(Damage()) == 0
    assert error_of(Damage(noise=7)) == 7
