"""The patch in its picture: outside nothing changes."""

import math

import pytest
import torch

from facea_core.composing import (
    crop_image,
    match_colour,
    plan_crop,
    soften,
)
from facea_core.composing.stitch import stitch
from facea_core.types import Box, CropPlan

from ..composing.people import box_mask
from .pictures import SPEC, smooth_image


def test_outside_the_mask_nothing_changes_whatever_the_patch_holds(mask):
    image = torch.rand(1, 3, *mask.shape[2:])
    soft = soften(mask, 0.1)
    plan = plan_crop(soft, SPEC)
    for value in (1.0, -7.0, math.nan):
        result = stitch(image, torch.full((1, 3, *plan.size), value), soft, plan)
        same = (result == image).all(dim=1, keepdim=True)
        assert same[soft == 0].all()
        assert not same[mask > 0].any()


def test_an_empty_mask_gives_the_same_bytes():
    image = torch.rand(1, 3, 90, 70)
    plan = CropPlan((90, 70), Box(-10, 0, 80, 90), (128, 128))
    result = stitch(image, torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 90, 70), plan)
    assert torch.equal(result, image)
    assert result.data_ptr() != image.data_ptr()


def test_the_masked_region_is_the_patch(mask):
    image = torch.rand(1, 3, *mask.shape[2:])
    soft = soften(mask, 0.1)
    plan = plan_crop(soft, SPEC)
    result = stitch(image, torch.full((1, 3, *plan.size), 0.25), soft, plan)
    masked = (soft >= 0.5).expand_as(image)
    assert masked.any()
    assert torch.allclose(result[masked], torch.tensor(0.25), atol=1e-6)


def test_stitching_the_crop_back_is_the_identity_exactly_at_native_size():
    image = torch.rand(1, 3, 300, 200)
    for box in (Box(20, 50, 148, 178), Box(-30, -20, 98, 108), Box(120, 200, 248, 328)):
        plan = CropPlan((300, 200), box, (128, 128))
        mask = torch.rand(1, 1, 300, 200)
        assert torch.equal(stitch(image, crop_image(image, plan), mask, plan), image)


@pytest.mark.parametrize("side", [40, 90, 250, 512])
def test_stitching_the_crop_back_is_nearly_the_identity_at_other_sizes(side):
    image = smooth_image(300, 400)
    plan = CropPlan((300, 400), Box(-20, 10, side - 20, side + 10), (128, 128))
    result = stitch(image, crop_image(image, plan), torch.ones(1, 1, 300, 400), plan)
    # Beyond the border the picture is repeated, which bends it there.
    error = (result - image).abs()
    assert error.mean() < 0.002
    assert error.max() < 0.05


def test_half_a_mask_touches_half():
    image = torch.zeros(1, 3, 128, 128)
    mask = box_mask((128, 128), (0, 0, 64, 128))
    for feather in (0.0, 0.1):
        soft = soften(mask, feather)
        plan = plan_crop(soft, SPEC)
        changed = stitch(image, torch.ones(1, 3, 128, 128), soft, plan)[:, :1] > 0
        assert torch.equal(changed, soft > 0)
        assert torch.equal(changed, mask > 0) or feather > 0


def test_neither_picture_nor_patch_is_written():
    image, patch = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 128, 128)
    before = image.clone(), patch.clone()
    plan = CropPlan((64, 64), Box(0, 0, 64, 64), (128, 128))
    stitch(image, match_colour(patch, patch.flip(3), torch.zeros(1, 1, 128, 128)), patch[:, :1, :64, :64], plan)  # fmt: skip  # noqa: E501
    assert torch.equal(image, before[0])
    assert torch.equal(patch, before[1])
