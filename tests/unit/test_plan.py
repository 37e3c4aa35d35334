import math

import pytest
import torch

from facea_core.backbone.spec import TINY
from facea_core.box import square_around
from facea_core.composing import crop_image, plan_crop
from facea_core.errors import ConfigError, MaskError
from facea_core.types import Box

from .composing.people import box_mask

SPEC = TINY.spec


def covers(outer: Box, inner: Box) -> bool:
    return outer.intersect(inner) == inner


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((300, 400), (100, 100, 160, 180)),
        ((300, 400), (0, 0, 50, 40)),
        ((300, 400), (399, 299, 400, 300)),
        ((97, 501), (240, 3, 340, 97)),
        ((501, 97), (0, 0, 97, 501)),
        ((128, 128), (40, 40, 90, 100)),
        ((17, 23), (5, 5, 9, 9)),
    ],
)
def test_plan_is_a_square_of_native_size_around_the_wregion_mask(size, box):
    plan = plan_crop(box_mask(size, box), SPEC)
    assert plan.source == size
    assert plan.box.width == plan.box.height
    assert plan.size == (SPEC.resolution, SPEC.resolution)
    assert covers(plan.box, Box(*box))


@pytest.mark.parametrize(
    "box", [(0, 0, 40, 40), (360, 260, 400, 300), (0, 130, 30, 160), (200, 200, 260, 270)]
)
def test_plan_stays_inside_the_picture_where_it_fits(box):
    plan = plan_crop(box_mask((300, 400), box), SPEC, 3.0)
    assert plan.box.clip((300, 400)) == plan.box


def test_plan_reaches_outside_only_where_the_picture_is_too_short():
    plan = plan_crop(box_mask((60, 500), (200, 5, 300, 55)), SPEC, 2.0)
    assert plan.box.width == 200
    assert 0 <= plan.box.x0 < plan.box.x1 <= 500
    assert plan.box.y0 + plan.box.y1 == 60


def test_the_side_is_the_context_factor_times_the_mask():
    mask = box_mask((2000, 2000), (900, 900, 1100, 1000))
    for factor in (1.0, 2.0, 4.5):
        assert plan_crop(mask, SPEC, factor).box.width == 200 * factor


def test_the_side_is_never_less_than_the_minimum_nor_more_than_the_picture():
    dot = box_mask((400, 400), (200, 200, 201, 201))
    assert plan_crop(dot, SPEC).box.width == SPEC.resolution // 4
    assert plan_crop(dot, SPEC, minimum=77).box.width == 77
    assert plan_crop(torch.ones(1, 1, 700, 900), SPEC, 8.0).box.width == 900


def test_a_crop_of_nearly_native_size_is_not_resampled():
    image = torch.rand(1, 3, 300, 300)
    plan = plan_crop(box_mask((300, 300), (100, 100, 180, 175)), SPEC, 1.5)
    assert (plan.box.height, plan.box.width) == plan.size
    cut = image[:, :, plan.box.y0 : plan.box.y1, plan.box.x0 : plan.box.x1]
    assert torch.equal(crop_image(image, plan), cut)


def test_several_regions_of_one_mask_are_all_inside():
    mask = box_mask((200, 600), (10, 10, 30, 30), (500, 150, 520, 170))
    assert covers(plan_crop(mask, SPEC).box, Box(10, 10, 520, 170))


def test_faint_values_count():
    mask = torch.zeros(1, 1, 200, 200)
    mask[..., 20, 30] = mask[..., 150, 190] = 1e-4
    assert covers(plan_crop(mask, SPEC).box, Box(30, 20, 191, 151))


def test_a_huge_picture_costs_no_more_than_its_face():
    mask = box_mask((4000, 6000), (5900, 3900, 6000, 4000))
    plan = plan_crop(mask, SPEC)
    assert crop_image(torch.rand(1, 3, 1, 1).expand(1, 3, 4000, 6000), plan).shape[2:] == plan.size


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.zeros(1, 1, 30, 40), r"\(30, 40\) is empty"),
        (torch.full((1, 1, 30, 40), math.nan), "NaN"),
        (torch.ones(30, 40), r"\(30, 40\)"),
        (torch.ones(2, 1, 30, 40), r"\(2, 1, 30, 40\)"),
        (torch.ones(1, 1, 0, 40), r"\(1, 1, 0, 40\)"),
    ],
)
def test_unusable_masks_are_named(mask, said):
    with pytest.raises(MaskError, match=said):
        plan_crop(mask, SPEC)


@pytest.mark.parametrize("factor", [0.5, math.nan, -1])
def test_a_factor_below_one_is_refused(factor):
    with pytest.raises(ConfigError, match="context_factor"):
        plan_crop(torch.ones(1, 1, 30, 40), SPEC, factor)


@pytest.mark.parametrize("center", [(20.0, 15.0), (0.4, 29.6), (-90.0, 300.0), (39.5, -0.5)])
@pytest.mark.parametrize("side", [1, 8, 29, 30, 31, 33, 40, 41, 77])
def test_a_square_lies_inside_where_it_fits_and_about_the_middle_where_not(center, side):
    square = square_around(center, side, (30, 40))
    assert square.width == square.height == side
    for start, middle, length in ((square.x0, center[0], 40), (square.y0, center[1], 30)):
        if side <= length:
            assert 0 <= start <= length - side
            wanted = min(max(middle - side / 2, 0), length - side)
            assert abs(start - wanted) <= 0.5
        else:
            before, behind = -start, start + side - length
            assert 0 <= before - behind <= 1
