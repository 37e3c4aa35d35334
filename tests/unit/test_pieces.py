"""Masks of several places: which get a crop of their own."""

import pytest
import torch
from torch import Tensor

from facea_core.backbone.spec import TINY
from facea_core.composing import mask_pieces, plan_crop, soften
from facea_core.masks import mask_box

SPEC = TINY.spec


def places(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Tensor:
    mask = torch.zeros(1, 1, *size)
    for x0, y0, x1, y1 in boxes:
        mask[..., y0:y1, x0:x1] = 1
    return mask


FAR = ((40, 60, 100, 130), (400, 80, 470, 150))


@pytest.mark.parametrize("size", [(200, 520), (200, 521), (1000, 2601)])
def test_places_far_apart_get_crops_of_their_own_from_left_to_right(size: tuple[int, int]):
    scale = size[0] // 200
    mask = places(size, *(tuple(scale * v for v in box) for box in reversed(FAR)))
    pieces = mask_pieces(mask, SPEC, 1.5)
    assert len(pieces) == 2
    assert torch.equal(torch.stack(pieces).amax(dim=0), mask)
    boxes = [mask_box(one) for one in pieces]
    assert [(box.x0, box.y1) for box in boxes] == [
        (40 * scale, 130 * scale), (400 * scale, 150 * scale)
    ]  # fmt: skip
    for one, other in (pieces, pieces[::-1]):
        assert plan_crop(one, SPEC).box.intersect(mask_box(other)).area == 0


def test_a_fade_belongs_to_its_place():
    mask = places((200, 520), *FAR)
    soft = soften(mask, 0.1)
    pieces = mask_pieces(soft, SPEC, 1.5)
    assert torch.equal(torch.stack(pieces).amax(dim=0), soft)
    for piece, box in zip(pieces, FAR, strict=True):
        near = mask_box(piece)
        assert near.x0 < box[0]
        assert near.x1 > box[2]
        assert near.width < 160


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [(40, 60, 100, 130)],
        # Two eyes: one crop shows both.
        [(40, 60, 60, 70), (80, 60, 100, 70)],
        # A pattern.
        [(x, y, x + 4, y + 4) for x in range(0, 500, 40) for y in range(0, 190, 40)],
    ],
)
def test_else_a_mask_is_one(boxes: list[tuple[int, int, int, int]]):
    mask = places((200, 520), *boxes)
    assert mask_pieces(mask, SPEC, 1.5)[0] is mask


def test_a_third_place_joins_what_it_is_near():
    near = places((300, 1900), FAR[0], (900, 80, 970, 150), (120, 70, 150, 120))
    pieces = mask_pieces(near, SPEC, 1.5)
    assert [mask_box(one).x1 for one in pieces] == [150, 970]
    far = places((300, 1900), *FAR, (1200, 70, 1290, 160))
    assert len(mask_pieces(far, SPEC, 1.5)) == 3


def test_a_thin_winding_line_is_one_place():
    mask = torch.zeros(1, 1, 900, 900)
    for row in range(0, 900, 60):
        mask[..., row, :] = 1
        mask[..., row : row + 60, 0 if (row // 60) % 2 else 899] = 1
    assert len(mask_pieces(mask, SPEC, 1.5)) == 1
