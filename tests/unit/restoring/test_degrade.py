"""Damage is what it says it is: sizes, seeds, batches, and one thing lost at a time."""

import pytest
import torch

from facea_core.errors import ConfigError, FaceAError
from facea_core.restoring.degrade import LEVELS, Damage, damp, degrade, enlarged, levels


def detail(image: torch.Tensor) -> float:
    return float(image.diff(dim=-1).square().mean())


def test_no_damage_changes_nothing(clean):
    assert torch.allclose(degrade(clean, Damage(), 0), clean, atol=1e-6)


@pytest.mark.parametrize(("scale", "size"), [(2, (64, 50)), (3, (43, 33)), (1.5, (85, 67))])
def test_a_picture_is_shrunk_to_the_rounded_size_and_back(clean, scale, size):
    image = clean[..., :100]
    small = degrade(image, Damage(scale=scale, blur=1, noise=3, jpeg=70), 0)
    assert small.shape == (1, 3, *size)
    assert enlarged(small, (128, 100)).shape == image.shape


def test_shrinking_by_a_whole_number_is_the_mean_of_squares(clean):
    squares = torch.nn.functional.avg_pool2d(clean, 4)
    assert torch.allclose(damp(clean, Damage(scale=4)), squares, atol=1e-5)


@pytest.mark.parametrize("damage", [Damage(scale=2, blur=1.5), Damage(blur=3), Damage(motion=9)])
def test_damping_is_linear_keeps_what_is_even_and_passes_gradients(clean, damage):
    other = clean.flip(-2)
    mixed = damp(0.3 * clean + 0.7 * other, damage)
    assert torch.allclose(mixed, 0.3 * damp(clean, damage) + 0.7 * damp(other, damage), atol=1e-5)
    even = torch.full((1, 3, 40, 33), 0.25)
    assert torch.allclose(damp(even, damage), damp(even, damage).new_tensor(0.25), atol=1e-6)
    image = clean.clone().requires_grad_()
    damp(image, damage).sum().backward()
    assert image.grad is not None
    assert float(image.grad.min()) > 0


def test_a_line_blurs_along_itself_alone():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 16, 16] = 1
    moved = damp(image, Damage(motion=9))
    assert int((moved[0, 0] > 0).sum()) == 9
    assert torch.allclose(moved[0, 0, 16, 12:21], torch.tensor(1 / 9))


@pytest.mark.parametrize(("name", "amounts"), [("scale", (1, 2, 4)), ("blur", (0, 1, 2, 4))])
def test_more_damage_leaves_less_detail(clean, name, amounts):
    size = clean.shape[-2:]
    left = [detail(enlarged(degrade(clean, Damage(**{name: n}), 0), size)) for n in amounts]
    assert left == sorted(left, reverse=True)


def test_noise_has_its_deviation_and_its_seed():
    grey = torch.full((1, 3, 128, 128), 0.5)
    noisy = degrade(grey, Damage(noise=8), 5)
    assert float(noisy.std()) * 255 == pytest.approx(8, rel=0.03)
    assert torch.equal(noisy, degrade(grey, Damage(noise=8), 5))
    assert not torch.equal(noisy, degrade(grey, Damage(noise=8), 6))
    assert degrade(grey, Damage(noise=8), 2**64 - 1).shape == grey.shape


def test_a_batch_is_its_pictures(clean):
    batch, damage = torch.cat([clean, clean.flip(-1)]), LEVELS["old"]
    alone = torch.cat([degrade(batch[:1], damage, 3), degrade(batch[1:], damage, 4)])
    assert torch.equal(degrade(batch, damage, 3), alone)


def test_lower_quality_is_further_from_the_picture(clean):
    far = [float((degrade(clean, Damage(jpeg=q), 0) - clean).abs().mean()) for q in (95, 70, 30, 5)]
    assert far == sorted(far)


def test_grey_is_grey_to_the_last_bit(clean):
    grey = degrade(clean, LEVELS["old"], 0)
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_levels_grow_with_the_resolution():
    assert levels(128) == dict(LEVELS)
    assert [levels(512)[name].scale for name in ("mild", "middle", "severe")] == [4, 8, 16]
    assert levels(512)["motion"].motion == 36


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 0.5}, {"blur": -1}, {"noise": 300}, {"jpeg": 0}, {"jpeg": 101}, {"motion": -2},
     {"blur": float("nan")}, {"jpeg": 50.5}, {"grey": 1}],
)  # fmt: skip
def test_impossible_damage_is_refused(wrong):
    with pytest.raises(ConfigError):
        Damage(**wrong)


def test_a_picture_of_nan_is_refused(clean):
    with pytest.raises(FaceAError, match="NaN"):
        degrade(clean * float("nan"), LEVELS["mild"], 0)
