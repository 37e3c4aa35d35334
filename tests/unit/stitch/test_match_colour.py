"""Tone and light of a painting follow its surroundings."""

import torch

from facea_core.composing import (
    crop_mask,
    match_colour,
)
from facea_core.types import Box, CropPlan

from ..composing.people import box_mask
from .pictures import smooth_image


def test_a_constant_shift_of_tone_is_taken_back():
    original = smooth_image(128, 128) * 0.5 + 0.2
    mask = box_mask((128, 128), (40, 40, 90, 90))
    shift = torch.tensor([0.1, -0.05, 0.02]).view(1, 3, 1, 1)
    matched = match_colour(original + shift, original, mask)
    assert torch.allclose(matched, original, atol=1e-4)
    half = match_colour(original + shift, original, mask, 0.5)
    assert torch.allclose(half, original + shift / 2, atol=1e-4)


def test_a_gradient_of_light_is_followed_into_the_mask():
    original = torch.full((1, 3, 128, 128), 0.5)
    slope = torch.linspace(-0.1, 0.1, 128).view(1, 1, 1, -1)
    mask = box_mask((128, 128), (32, 32, 96, 96))
    error = (match_colour(original + slope, original, mask) - original).abs()
    assert error.max() < 0.03
    assert slope.abs().max() > 0.09


def test_what_is_painted_in_the_mask_does_not_bleed_into_the_correction():
    original = torch.full((1, 3, 128, 128), 0.5)
    mask = box_mask((128, 128), (32, 32, 96, 96))
    patch = torch.where(mask > 0, 1.0, original)
    assert torch.equal(match_colour(patch, original, mask), patch)


def test_no_ring_no_correction_and_strength_zero_is_none():
    patch, original = torch.rand(2, 1, 3, 128, 128)
    assert torch.equal(match_colour(patch, original, torch.ones(1, 1, 128, 128)), patch)
    assert match_colour(patch, original, torch.zeros(1, 1, 128, 128), 0.0) is patch


def test_a_batch_of_patches_is_matched_one_by_one():
    patch, original = torch.rand(2, 3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mask = (torch.rand(3, 1, 64, 64) > 0.2).float()
    single = [
        match_colour(patch[i : i + 1], original[i : i + 1], mask[i : i + 1]) for i in range(3)
    ]
    assert torch.allclose(match_colour(patch, original, mask), torch.cat(single), atol=1e-6)


def test_the_mask_goes_on_beyond_the_border():
    mask = box_mask((100, 100), (60, 0, 100, 100))
    plan = CropPlan((100, 100), Box(40, 0, 140, 100), (128, 128))
    assert (crop_mask(mask, plan)[..., 40:] == 1).all()
