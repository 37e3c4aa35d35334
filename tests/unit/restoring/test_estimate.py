"""What was done to a picture is read from it: more is seen as more, and none as next to none."""

import math

import pytest
import torch

from facea_core.errors import FaceAError
from facea_core.restoring.degrade import Damage, degrade, enlarged
from facea_core.restoring.estimate import estimate_damage
from facea_core.types import Box

WHOLE = Box(0, 0, 128, 128)


def told(image: torch.Tensor, native: int = 128) -> Damage:
    """The estimate for the whole of an image, in the 256 levels that files have."""
    height, width = image.shape[-2:]
    return estimate_damage((image * 255).round() / 255, Box(0, 0, width, height), native)


def test_of_no_damage_next_to_none_is_found(clean):
    found = told(clean)
    assert found.scale == 1
    assert found.blur < 0.35
    assert found.noise < 5  # the grain of the photograph itself
    assert (found.jpeg, found.grey, found.motion) == (None, False, 0)


@pytest.mark.parametrize(
    ("name", "amounts"), [("blur", (0, 1, 2, 4)), ("noise", (5, 10, 20)), ("scale", (1, 2, 4))]
)
def test_more_damage_is_more_and_about_right(clean, name, amounts):
    found = [getattr(told(degrade(clean, Damage(**{name: n}), 1)), name) for n in amounts]
    assert found == sorted(found)
    # A photograph has a grain of its own.
    own = told(clean).noise if name == "noise" else 0
    wanted = [math.hypot(amount, own) for amount in amounts]
    assert found == [pytest.approx(amount, rel=0.35, abs=0.4) for amount in wanted]


def test_noise_and_blur_are_told_apart(clean):
    found = told(degrade(clean, Damage(blur=2, noise=10), 1))
    assert found.blur == pytest.approx(2, abs=0.7)
    assert found.noise == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("times", [2, 4])
def test_a_hidden_enlargement_is_found(clean, times):
    small = degrade(clean, Damage(scale=times, noise=6), 1)
    assert told(enlarged(small, (128, 128))).scale == pytest.approx(times, rel=0.1)


@pytest.mark.parametrize("quality", [20, 45, 70])
def test_the_quality_of_jpeg_is_found_wherever_its_grid_is(clean, quality):
    image = degrade(clean, Damage(noise=3, jpeg=quality), 1)
    for cut in (image, image[..., 3:, 6:], image.flip(-1)[..., 5:]):
        assert told(cut).jpeg == pytest.approx(quality, abs=5)


def test_grey_is_found_exactly(clean):
    for damage in (Damage(), Damage(scale=2, blur=1, noise=10, jpeg=30)):
        assert not told(degrade(clean, damage, 1)).grey
        grey = degrade(clean, Damage(grey=True), 1)
        assert told(degrade(grey, Damage(jpeg=damage.jpeg), 1)).grey


def test_a_mirrored_picture_has_the_same_damage(clean):
    image = degrade(clean, Damage(blur=1, noise=5), 1)
    one, other = told(image), told(image.flip(-1))
    assert one.blur == pytest.approx(other.blur, abs=0.05)
    assert one.noise == pytest.approx(other.noise, abs=0.05)
    assert (one.scale, one.jpeg, one.grey) == (other.scale, other.jpeg, other.grey)


@pytest.mark.parametrize(
    "box",
    [Box(60, 60, 61, 61), Box(-40, -30, 20, 30), Box(100, 3, 300, 41), Box(5, 7, 108, 20),
     Box(-500, -500, 900, 900)],
)  # fmt: skip
def test_every_box_that_touches_the_picture_has_an_estimate(clean, box):
    found = estimate_damage(clean, box, 512)
    assert found.scale >= min(512 / max(box.width, box.height), 256) * 0.99 or found.scale == 1


@pytest.mark.parametrize("size", [(16, 16), (17, 131), (127, 33)])
def test_small_and_odd_pictures_have_an_estimate(clean, size):
    found = told(clean[..., : size[0], : size[1]], 64)
    assert found.scale >= 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_plain_picture_has_no_noise(value):
    found = told(torch.full((1, 3, 64, 64), value))
    assert (found.noise, found.grey, found.jpeg) == (0, True, None)


def test_what_is_no_picture_is_refused(clean):
    for image, box, native in (
        (clean * float("nan"), WHOLE, 128),
        (clean, Box(200, 200, 240, 240), 128),
        (clean, WHOLE, 0),
        (torch.cat([clean, clean]), WHOLE, 128),
    ):
        with pytest.raises(FaceAError):
            estimate_damage(image, box, native)


def test_blur_is_told_in_pixels_of_the_clean_picture(clean):
    image = degrade(clean, Damage(blur=3), 1)
    half, twice = told(image, 64), told(image, 256)
    assert (half.scale, twice.scale) == (1, 2)
    assert twice.blur == pytest.approx(4 * half.blur)
