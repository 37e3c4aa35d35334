"""Crops for other samplers: what composing would be shown, and pasted back without a trace."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.backbone.spec import TINY
from facea_core.composing import (
    ComposeConfig,
    FaceCrops,
    compose_faces,
    crop_faces,
    paste_faces,
    plan_batch,
)
from facea_core.composing.cropped import crop_spec
from facea_core.errors import ConfigError, ImageError
from facea_core.seeds import seeded

SIDE = 64


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=seeded(seed))


def box_mask(height: int, width: int, *boxes: tuple[int, int, int, int]) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    for x0, y0, x1, y1 in boxes:
        mask[..., y0:y1, x0:x1] = 1
    return mask


def cropped(images: list[Tensor], masks: list[Tensor], **changes: float) -> FaceCrops:
    config = ComposeConfig(**changes)
    jobs, _ = plan_batch(images, masks, None, [], config, crop_spec(SIDE))
    return crop_faces(jobs, SIDE, config)


def patches(given: FaceCrops) -> list[Tensor]:
    return [crop.image for crops in given.crops for crop in crops]


SCENES = {
    "larger than the crop": ((301, 203), [(60, 90, 143, 201)]),
    "enlarged": ((97, 131), [(50, 40, 61, 53)]),
    "at the native size": ((130, 150), [(40, 40, 83, 83)]),
    "over the edge": ((77, 201), [(0, 0, 150, 77)]),
    "two places": ((203, 1201), [(20, 30, 61, 90), (1100, 100, 1160, 171)]),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("feather", [0.0, 0.08])
def test_crops_that_come_back_as_they_were_change_nothing(scene: str, feather: float):
    size, boxes = SCENES[scene]
    whole = image(*size)
    given = cropped([whole], [box_mask(*size, *boxes)], feather=feather)
    assert given.count == len(boxes)
    in_8_bits = [(patch * 255).round() / 255 for patch in patches(given)]
    for back in (patches(given), in_8_bits):
        ((_, made),) = paste_faces(given, back)
        assert torch.equal(made.image, whole)


def test_a_crop_is_what_composing_shows_a_model_of_that_size():
    size = (203, 1201)
    whole, mask = image(*size), box_mask(*size, (20, 30, 61, 90), (1100, 100, 1160, 171))
    given = cropped([whole], [mask])
    seen = []

    def paint(face, crop, seeds):
        seen.append(crop)
        return crop.image

    (job,) = given.jobs
    compose_faces(whole, job.faces, paint, replace(TINY.spec, resolution=SIDE), given.config)
    assert len(seen) == 2
    for mine, theirs in zip(given.crops[0], seen, strict=True):
        assert mine.plan == theirs.plan
        assert torch.equal(mine.image, theirs.image)
        assert torch.equal(mine.mask, theirs.mask)


def test_what_was_painted_is_there_and_nothing_changes_outside_the_mask():
    size = (301, 203)
    whole, mask = image(*size), box_mask(*size, (60, 90, 143, 201))
    given = cropped([whole], [mask], colour_match=0.0)
    ((_, made),) = paste_faces(given, [torch.zeros(1, 3, SIDE, SIDE)])
    assert made.image[mask.expand(-1, 3, -1, -1) == 1].max() == 0
    outside = (made.mask == 0).expand(-1, 3, -1, -1)
    assert outside.any()
    assert torch.equal(made.image[outside], whole[outside])


def test_faces_that_share_a_place_each_keep_what_the_other_left_alone():
    size = (200, 200)
    whole = image(*size)
    jobs, _ = plan_batch(
        [whole], [box_mask(*size, (40, 60, 90, 120)), box_mask(*size, (80, 60, 130, 120))],
        None, [], ComposeConfig(), crop_spec(SIDE),
    )  # fmt: skip
    given = crop_faces(jobs, SIDE)
    assert len(given.crops) == 2  # one picture with two masks: two pictures of the result
    (_, first), (_, second) = paste_faces(given, [torch.ones(1, 3, SIDE, SIDE), patches(given)[1]])
    assert not torch.equal(first.image, whole)
    assert torch.equal(second.image, whole)


def test_a_patch_may_be_larger_but_no_other_shape():
    size = (301, 203)
    given = cropped([image(*size)], [box_mask(*size, (60, 90, 143, 201))])
    ((_, small),) = paste_faces(given, [torch.full((1, 3, SIDE, SIDE), 0.25)])
    ((_, large),) = paste_faces(given, [torch.full((1, 3, 3 * SIDE, 3 * SIDE), 0.25)])
    assert torch.allclose(small.image, large.image, atol=1e-5)
    with pytest.raises(ImageError, match="64x32"):
        list(paste_faces(given, [torch.zeros(1, 3, 32, 64)]))


def test_pictures_without_a_face_stay_and_need_no_crop():
    size = (120, 160)
    whole = [image(*size, seed) for seed in range(2)]
    given = cropped(whole, [box_mask(*size), box_mask(*size, (40, 40, 80, 90))])
    assert [len(crops) for crops in given.crops] == [0, 1]
    assert "picture 1, face 1: the mask is empty" in given.notes
    made = [one.image for _, one in paste_faces(given, [torch.ones(1, 3, SIDE, SIDE)])]
    assert torch.equal(made[0], whole[0])
    assert not torch.equal(made[1], whole[1])


def test_what_does_not_fit_is_refused_before_anything_is_pasted():
    size = (120, 160)
    given = cropped([image(*size)], [box_mask(*size, (40, 40, 80, 90))])
    with pytest.raises(ImageError, match="2 crops to paste and 1 were"):
        list(paste_faces(given, [torch.ones(1, 3, SIDE, SIDE)] * 2))
    with pytest.raises(ImageError, match=r"\(60, 160\)"):
        list(paste_faces(given, patches(given), [image(60, 160)]))
    with pytest.raises(ImageError, match="3 pictures to paste into and 1"):
        list(paste_faces(given, patches(given), [image(*size)] * 3))
    with pytest.raises(ConfigError, match="multiple of 8"):
        crop_faces(given.jobs, 65)


def test_another_picture_of_the_size_can_be_pasted_into():
    size = (120, 160)
    mask = box_mask(*size, (40, 40, 80, 90))
    given = cropped([image(*size)], [mask])
    other = image(*size, 1)
    ((_, made),) = paste_faces(given, [torch.full((1, 3, SIDE, SIDE), 0.5)], [other])
    outside = (made.mask == 0).expand(-1, 3, -1, -1)
    assert torch.equal(made.image[outside], other[outside])
