import math

import pytest
import torch

from facea_core.errors import MaskError
from facea_core.masks import mask_box, mask_distance, outline_distance, part_mask, rounded_outline
from facea_core.types import Box, Part

SIZE = (80, 120)
SQUARE = ((20.0, 20.0), (60.0, 20.0), (60.0, 50.0), (20.0, 50.0))
TRIANGLE = ((10.0, 70.0), (60.0, 10.0), (110.0, 60.0))


def part(box=(20, 20, 60, 50), outlines=(), mask=None):
    return Part("eyes", Box(*box), 0.9, mask, outlines=outlines)


def test_distances_to_an_outline_are_exact():
    distance = outline_distance([SQUARE], SIZE, 100.0)[0, 0]
    for y, x in ((0, 0), (5, 70), (35, 30), (49, 59), (79, 119), (35, 90)):
        dx, dy = max(20 - x - 0.5, x + 0.5 - 60), max(20 - y - 0.5, y + 0.5 - 50)
        outside = math.hypot(max(dx, 0), max(dy, 0))
        assert distance[y, x] == pytest.approx(outside or max(dx, dy), abs=1e-4)


def test_the_distance_is_capped_and_several_outlines_are_one_shape():
    right = tuple((x + 50, y) for x, y in SQUARE)
    both = outline_distance([SQUARE, right], SIZE, 6.0)
    single = [outline_distance([one], SIZE, 6.0) for one in (SQUARE, right)]
    assert torch.equal(both, torch.minimum(*single))
    assert both.abs().max() == 6
    assert torch.equal(outline_distance([], SIZE, 6.0), torch.full((1, 1, *SIZE), 6.0))


def test_the_turning_and_the_start_of_an_outline_do_not_matter():
    wanted = outline_distance([TRIANGLE], SIZE, 9.0)
    for other in (TRIANGLE[::-1], TRIANGLE[1:] + TRIANGLE[:1]):
        assert torch.allclose(outline_distance([other], SIZE, 9.0), wanted, atol=1e-4)


def test_an_outline_and_the_mask_of_its_inside_are_equally_far():
    distance = outline_distance([TRIANGLE], SIZE, 8.0)
    again = mask_distance((distance < 0).float(), 8.0)
    error = (distance - again).abs()
    assert error.max() < 1.5
    assert error.mean() < 0.3


@pytest.mark.parametrize(
    "one",
    [
        part(),
        part(outlines=(SQUARE,)),
        part((10, 10, 110, 70), (TRIANGLE,)),
        part((20, 20, 90, 30)),
    ],
    ids=["box", "square", "triangle", "long"],
)
@pytest.mark.parametrize("grow", [0.0, 0.2])
def test_a_part_is_half_at_its_outline_and_fades_to_either_side(one, grow):
    hard, soft = (part_mask(one, SIZE, grow=grow, feather=f) for f in (0.0, 0.05))
    assert hard.shape == soft.shape == (1, 1, *SIZE)
    assert soft.min() == 0
    assert soft.max() == hard.max() == 1
    # The same region, but for the pixels that the outline itself crosses.
    assert ((soft > 0.5) != (hard > 0.5)).float().mean() < 0.002
    assert (soft > 0).sum() > (hard > 0).sum()
    assert (soft == 1).sum() < (hard == 1).sum()
    # Antialiased: pixels that an edge crosses are neither 0 nor 1 (the square has none).
    between = ((hard > 0) & (hard < 1)).sum()
    assert (one.outlines == (SQUARE,)) or 20 < between < 600
    unit = max(one.box.width, one.box.height)
    assert soft.diff(dim=3).abs().max() <= 0.5 / (0.05 * unit) + 1e-3


def test_without_outlines_a_part_is_rounded_and_inside_its_box():
    mask = part_mask(part(), SIZE)
    box = mask_box(mask)
    assert box is not None
    assert box.iou(Box(20, 20, 60, 50)) > 0.95
    assert mask[0, 0, 20, 20] == mask[0, 0, 49, 59] == 0
    assert 0.78 < mask.sum() / (40 * 30) < 0.95


def test_growing_is_a_share_of_the_longer_side_on_all_sides():
    grown = part_mask(part(outlines=(SQUARE,)), SIZE, grow=0.1) > 0.5
    assert mask_box(grown.float()) == Box(16, 16, 64, 54)
    long = part_mask(part((20, 30, 70, 40)), SIZE, grow=0.1) > 0.5
    assert mask_box(long.float()) == Box(15, 25, 75, 45)
    shrunk = part_mask(part(outlines=(SQUARE,)), SIZE, grow=-0.1) > 0.5
    assert mask_box(shrunk.float()) == Box(24, 24, 56, 46)


def test_a_larger_picture_gives_the_same_mask_larger():
    small = part_mask(part((20, 20, 60, 50)), SIZE, grow=0.1, feather=0.1)
    large = part_mask(part((80, 80, 240, 200)), (320, 480), grow=0.1, feather=0.1)
    assert (torch.nn.functional.avg_pool2d(large, 4) - small).abs().max() < 0.03


def test_the_users_own_mask_outweighs_outlines_and_is_nowhere_made_smaller():
    own = torch.zeros(1, 1, *SIZE)
    own[..., 40:60, 70:100] = 1
    own[..., 60:64, 70:100] = 0.3
    one = part(outlines=(SQUARE,), mask=own)
    assert torch.equal(part_mask(one, SIZE), own)
    for grow, feather in ((0.0, 0.1), (0.1, 0.0), (0.2, 0.3), (-0.2, 0.1)):
        mask = part_mask(one, SIZE, grow=grow, feather=feather)
        assert (mask >= own).all()
        assert not mask[..., 20:30, 20:50].any()
    assert part_mask(one, SIZE, grow=0.1)[0, 0, 50, 67:70].min() == 1
    with pytest.raises(MaskError, match=r"'eyes'.*\(1, 1, 80, 120\).*resize"):
        part_mask(one, (80, 121), feather=0.1)


@pytest.mark.parametrize(
    "one",
    [
        part((5, 5, 5, 9)),
        part((9, 9, 3, 3)),
        part((200, 20, 260, 50)),
        part(mask=torch.zeros(1, 1, *SIZE)),
    ],
)
def test_what_is_empty_or_outside_is_all_zero(one):
    mask = part_mask(one, SIZE, grow=0.1, feather=0.1)
    assert mask.shape == (1, 1, *SIZE)
    assert not mask.any()


@pytest.mark.parametrize(
    "outlines",
    [((),), (((1.0, 2.0), (3.0, 4.0)),), (((math.nan, 1.0), (2.0, 2.0), (5.0, 1.0)),)],
)
def test_outlines_that_enclose_nothing_count_as_none(outlines):
    assert torch.equal(part_mask(part(outlines=outlines), SIZE), part_mask(part(), SIZE))


@pytest.mark.parametrize("grow", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("feather", [0.0, 0.08, 0.5])
def test_even_one_pixel_and_thin_parts_have_a_middle(grow, feather):
    for box in ((30, 30, 31, 31), (10, 40, 110, 42), (0, 0, 120, 80)):
        mask = part_mask(part(box), SIZE, grow=grow, feather=feather)
        assert mask.max() > 0.9
        assert mask.min() >= 0
        assert torch.isfinite(mask).all()


def test_a_part_of_a_huge_picture_has_a_smooth_edge():
    one = part((500, 400, 3500, 2500), (rounded_outline(Box(500, 400, 3500, 2500)),))
    mask = part_mask(one, (3000, 4000), grow=0.1, feather=0.08)
    assert mask[0, 0, 1450, 2000] == 1
    # The coarse grid that distances are measured on may not show in the edge.
    assert mask.diff(dim=3).abs().max() < 0.05


def test_a_thin_mask_of_a_huge_picture_is_as_far_as_any_other():
    strand = torch.zeros(1, 1, 1500, 2000)
    strand[..., 200:1200, 700] = 1
    distance = mask_distance(strand, 9.0)[0, 0, 600]
    assert distance[690:711].tolist() == [
        *(9.0, 8.5, 7.5, 6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5, -0.5),
        *(0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.0),
    ]
    one = part((700, 200, 701, 1200), mask=strand)
    assert part_mask(one, (1500, 2000), grow=0.01)[0, 0, 600, 691:710].min() == 1
