import math
from itertools import pairwise

import pytest
import torch

from facea_core.composing import (
    ComposeConfig,
    blend_weight,
    crop_image,
    crop_mask,
    face_mask,
    match_colour,
    plan_crop,
    soften,
)
from facea_core.composing.stitch import stitch
from facea_core.masks import UNSEEN, distance_inside, mask_box
from facea_core.types import BackboneSpec, Box, CropPlan, FaceAttributes, Part

from .composing.people import box_mask

SPEC = BackboneSpec("test", 128, 4, 8, {}, 48, "epsilon", 1.0)


def smooth_image(height, width):
    y = torch.linspace(0, 1, height).view(1, 1, -1, 1)
    x = torch.linspace(0, 1, width).view(1, 1, 1, -1)
    return torch.cat(
        [0.5 + 0.4 * (a * x + b * y).sin() for a, b in [(3, 2), (1, 4), (2, 2)]], dim=1
    )


MASKS = {
    "inside": ((150, 201), (60, 40, 120, 110)),
    "border": ((150, 201), (150, 0, 201, 80)),
    "everything": ((97, 83), (0, 0, 83, 97)),
    "pixel": ((64, 65), (30, 31, 31, 32)),
    "line": ((120, 120), (0, 60, 120, 61)),
    "large": ((700, 900), (200, 100, 700, 600)),
}


@pytest.fixture(params=MASKS)
def mask(request):
    return box_mask(*MASKS[request.param])


# Stitching


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


# Masks


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


def face(size=(128, 128), box=(40, 40, 90, 100), parts=()):
    return FaceAttributes(size, Box(*box), 1.0, parts)


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


# Colours


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
