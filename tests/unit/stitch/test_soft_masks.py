"""Masks that fade, and the mask of a face."""

import math
from itertools import pairwise

import pytest
import torch

from facea_core.composing import (
    ComposeConfig,
    blend_weight,
    face_mask,
    plan_crop,
    soften,
)
from facea_core.composing.stitch import stitch
from facea_core.masks import UNSEEN, distance_inside, mask_box
from facea_core.types import Box, Part

from ..composing.people import box_mask
from .pictures import SPEC, face


def test_softening_keeps_what_was_drawn_and_fades_around_it(mask):
    box = mask_box(mask)
    assert box is not None
    for feather in (0.0, 0.02, 0.1, 0.5):
        soft, band = soften(mask, feather), feather * max(box.width, box.height)
        assert torch.equal(soft[mask > 0], mask[mask > 0])
        assert (soft[mask == 0] < 0.5).all()
        reach = math.ceil(band) + 1
        near = Box(box.x0 - reach, box.y0 - reach, box.x1 + reach, box.y1 + reach)
        beyond = box_mask(mask.shape[2:], near.clip(mask.shape[2:])) == 0
        assert not soft[beyond].any()
    assert torch.equal(soften(mask, 0.0), mask)


def test_softening_fades_over_the_band_outwards():
    mask = box_mask((200, 200), (0, 50, 100, 150))
    soft = soften(mask, 0.1)[0, 0]
    row = soft[100]
    assert (row[:100] == 1).all()
    assert (row[100:111].diff() < 0).all()
    assert not row[111:].any()
    assert row[100] < 0.5
    assert blend_weight(soft)[100, 100] > 0.9


def test_a_thin_strand_beside_a_large_square_is_repainted_whole():
    mask = box_mask((500, 600), (50, 100, 350, 400))
    mask[..., 100:400, 400:430] = 1
    mask[..., 420:426, 50:350] = 1
    image, patch = torch.zeros(1, 3, 500, 600), torch.ones(1, 3, 128, 128)
    for feather in (0.0, 0.08, 0.5):
        soft = soften(mask, feather)
        plan = plan_crop(soft, SPEC)
        result = stitch(image, patch, soft, plan)
        assert (result[mask.expand_as(result) > 0] > 1 - 1e-5).all()
        assert (result[soft.expand_as(result) == 0] == 0).all()


@pytest.mark.parametrize("side", [60, 128, 900])
@pytest.mark.parametrize("feather", [0.0, 0.03, 0.08, 0.3])
def test_the_mask_of_a_face_is_soft_enough(side, feather):
    box = tuple(round(side * share) for share in (0.3, 0.3, 0.7, 0.8))
    above = Box(side // 4, side // 10, side * 3 // 4, side // 2)
    found = face((side, side), box, (Part("hair", above, 1.0),))
    mask = face_mask(found, ComposeConfig(feather=feather))
    soft = soften(mask, feather)
    assert torch.equal(soft >= 0.5, mask >= 0.5)
    if feather * (box[3] - box[1]) > 3:
        assert torch.allclose(soft, mask, atol=UNSEEN)


def test_specks_of_a_jpeg_do_not_make_a_mask_soft():
    mask = box_mask((200, 200), (60, 60, 140, 140))
    specks = torch.rand(1, 1, 200, 200, generator=torch.Generator().manual_seed(0)) * 0.04
    noisy = torch.maximum(mask, specks)
    assert torch.equal(soften(noisy, 0.1), soften(mask, 0.1))


@pytest.mark.parametrize("feather", [0.0, 0.08])
def test_black_that_is_not_quite_black_is_no_mask(feather):
    mask = box_mask((200, 300), (60, 60, 140, 140))
    soft = soften(box_mask((200, 300), (60, 60, 140, 140)), 0.2)
    for drawn in (mask, soft):
        dirty = drawn.clamp(min=3 / 255)
        dirty[0, 0, 190, 290] = 5 / 255 if drawn is mask else 3 / 255
        clean = soften(drawn, feather)
        assert torch.equal(soften(dirty, feather), clean)
        assert plan_crop(soften(dirty, feather), SPEC) == plan_crop(clean, SPEC)


def test_a_softened_mask_is_not_softened_again():
    soft = soften(box_mask((200, 200), (50, 50, 150, 150)), 0.1)
    assert torch.equal(soften(soft, 0.1), soft)


def test_distances_are_exact():
    inside = (torch.rand(1, 1, 40, 30, generator=torch.Generator().manual_seed(0)) > 0.03).float()
    zeros = (inside[0, 0] == 0).nonzero().float()
    grid = torch.cartesian_prod(torch.arange(40.0), torch.arange(30.0))
    wanted = torch.cdist(grid, zeros).amin(dim=1).view(1, 1, 40, 30)
    assert torch.allclose(distance_inside(inside > 0), wanted, atol=1e-5)
    assert distance_inside(torch.ones(1, 1, 4, 3) > 0).isinf().all()


def test_a_face_mask_covers_the_face_and_fades_around_it():
    config = ComposeConfig(grow=0.1, feather=0.08)
    mask = face_mask(face(), config)
    assert mask.shape == (1, 1, 128, 128)
    middle = mask[0, 0, 70, 40:90]
    assert (middle >= 0.5).all()
    assert mask[0, 0, 70, 28] == mask[0, 0, 0, 0] == 0
    # Rounded: the box's corners are outside the mask, and no edge is hard.
    assert mask[0, 0, 34, 34] < 0.5
    assert mask.diff(dim=3).abs().max() < 0.2


def test_growing_and_feathering_widen_the_face_mask():
    areas = [face_mask(face(), ComposeConfig(grow=g)).sum() for g in (0, 0.1, 0.3)]
    assert areas == sorted(areas)
    reach = [(face_mask(face(), ComposeConfig(feather=f)) > 0).sum() for f in (0, 0.1, 0.3)]
    assert reach == sorted(reach)


@pytest.mark.parametrize("shape", ["mask", "box"])
def test_hair_belongs_to_the_mask_where_it_was_found_and_is_wanted(shape):
    hair_box = Box(30, 10, 100, 50)
    hair = Part("hair", hair_box, 1.0, box_mask((128, 128), hair_box) if shape == "mask" else None)
    found = face(parts=(hair,))
    with_hair = face_mask(found, ComposeConfig())
    bare = face_mask(face(), ComposeConfig())
    assert (with_hair[..., 15:45, 60:70] >= 0.5).all()
    assert (bare[..., 15:20, 60:70] == 0).all()
    assert (with_hair >= bare).all()
    assert torch.equal(face_mask(found, ComposeConfig(hair=False)), bare)


def test_room_for_hair_widens_the_mask_beside_and_above_the_face():
    masks = [face_mask(face(), ComposeConfig(hair_room=room)) for room in (0.0, 0.3, 0.6)]
    assert torch.equal(masks[0], face_mask(face()))
    for less, more in pairwise(masks):
        assert ((more > 0.5) >= (less > 0.5)).all()
        assert (more >= masks[0]).all()
        for y, x in ((70, 25), (70, 104), (30, 65)):
            assert more[0, 0, y, x] > less[0, 0, y, x] or more[0, 0, y, x] == 1
    # The new hair may fall to the end of the neck, and no further.
    assert [mask_box((mask > 0.5).float()).y1 for mask in masks] == [118, 118, 118]


def test_face_masks_of_faces_cut_by_the_border_or_outside():
    cut = face_mask(face(box=(-30, 20, 30, 90)))
    assert cut[0, 0, 55, 0] == 1
    assert not face_mask(face(box=(300, 20, 360, 90))).any()


def test_face_masks_of_huge_pictures_are_quick():
    hair = Part(
        "hair", Box(1000, 200, 2400, 1500), 1.0, box_mask((3000, 4000), (1000, 200, 2400, 1500))
    )
    mask = face_mask(face((3000, 4000), (1200, 800, 2200, 2100), (hair,)))
    assert mask[0, 0, 1500, 1700] == 1
    assert mask.diff(dim=3).abs().max() < 0.05
