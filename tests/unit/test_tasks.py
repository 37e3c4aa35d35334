"""The two tasks: their prompts, crops and masks, with masks of the user's own."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, latent_mask
from facea_core.backbone.load import random_backbone
from facea_core.errors import ImageError, MaskError
from facea_core.identity.subject import Subject
from facea_core.io.images import crop, resize
from facea_core.masks import mask_box
from facea_core.training import TrainConfig
from facea_core.training.data import crop_example
from facea_core.training.tasks import (
    check_photo,
    crop_box,
    face_prompts,
    face_region,
    region_mask,
    task_prompts,
)
from facea_core.types import Box, Part, Photo

from .photos import EYES, FACE, MOUTH, make_photo

EMPTY, GLOBAL = 0, 1  # numbers of the first two tasks
TABLE = attribute_table("female")
SPEC = random_backbone(0).spec


def test_prompts_are_few_and_hold_their_words():
    prompts = task_prompts(TrainConfig(attributes="eyes, nose"), Subject("ada", "woman"))
    assert list(prompts.items()) == [
        ("", ""),
        ("global", "a photo of a woman with embedding:ada/eyes embedding:ada/nose"),
        ("eyes", "a photo of embedding:ada/eyes of a woman"),
        ("nose", "a photo of embedding:ada/nose of a woman"),
    ]


def test_what_the_model_keeps_is_asked_in_ordinary_words():
    config = TrainConfig(attributes="eyes, nose", prior_extra=1)
    prompts = task_prompts(config, Subject("ada", "woman"))
    assert list(prompts.items())[4:] == [
        ("prior", "a photo of a woman"),
        ("prior global", "a photo of a woman with eyes nose"),
        ("prior eyes", "a photo of eyes of a woman"),
        ("prior nose", "a photo of nose of a woman"),
    ]


def test_a_photo_with_a_caption_has_a_prompt_of_its_own():
    config, captions = TrainConfig(attributes="eyes"), ["", "smiling", ""]
    prompts = list(task_prompts(config, Subject("ada", "woman"), captions).values())
    assert prompts[3:] == ["a photo of a woman with embedding:ada/eyes, smiling"]
    assert face_prompts(config, captions) == [GLOBAL, 3, GLOBAL]


@pytest.mark.parametrize("size", [(128, 128), (90, 300), (300, 90), (2000, 1500), (60, 60)])
def test_a_crop_is_square_and_inside_where_it_fits(size: tuple[int, int]):
    region = Box(5, 8, 55, 58)
    random = torch.Generator().manual_seed(0)
    for generator in (None, *[random] * 50):
        box = crop_box(
            region,
            size,
            TrainConfig(scale_jitter=0.5, shift_jitter=0.2),
            generator,
        )
        assert box.width == box.height > 0
        if box.width <= min(size):
            assert box.clip(size) == box
        assert box.intersect(region).area > 0.5 * region.area


def test_an_unjittered_crop_holds_the_whole_face():
    photo = make_photo()
    region = face_region(photo, TrainConfig(attributes="female"))
    box = crop_box(region, (128, 128), TrainConfig(attributes="female"))
    assert box.intersect(region) == region.clip((128, 128))


def test_hair_that_was_found_is_repainted_with_the_face():
    photo = make_photo()
    hair = Part("hair", Box(30, 10, 100, 60), 0.9)
    found = replace(photo.attributes, parts=(*photo.attributes.parts, hair))
    photo, config = (
        replace(photo, attributes=found),
        TrainConfig(attributes="female", face_grow=1.0),
    )
    assert face_region(photo, config) == FACE.join(hair.box)


def test_a_hole_covers_its_region_and_never_vanishes_in_the_latent():
    crop = Box(20, 20, 120, 120)
    exact = region_mask(Box(45, 45, 70, 70), crop, SPEC, 0.0)
    assert exact.sum() == 32 * 32
    assert exact[..., 32:64, 32:64].all()
    random = torch.Generator().manual_seed(0)
    for region in (Box(50, 50, 52, 51), Box(0, 60, 22, 90), Box(118, 118, 140, 140), FACE):
        for _ in range(20):
            hole = region_mask(region, crop, SPEC, 0.9, random)
            assert latent_mask(hole).sum() >= 1
            assert set(hole.unique().tolist()) <= {0.0, 1.0}
    assert not region_mask(Box(0, 0, 10, 10), crop, SPEC, 0.0).any()


def drawn(box: Box, size: tuple[int, int] = (128, 128)) -> Tensor:
    mask = torch.zeros(1, 1, *size)
    mask[..., box.y0 : box.y1, box.x0 : box.x1] = 1
    return mask


def with_masks(photo: Photo, **masks: Tensor) -> Photo:
    """The photo whose parts wear these masks, their boxes unchanged."""
    parts = {part.attribute: part for part in photo.attributes.parts}
    for name, mask in masks.items():
        parts[name] = replace(parts.get(name) or Part(name, FACE, 1.0), mask=mask)
    return replace(photo, attributes=replace(photo.attributes, parts=tuple(parts.values())))


def examples(photo: Photo, backbone: Backbone, **settings) -> list[dict[str, Tensor]]:
    """The holes of four crops with jitter from one seed, those of the face as boxes."""
    config = TrainConfig(attributes="female", outline_share=0.0, **settings)
    random = torch.Generator().manual_seed(5)
    return [crop_example(photo, backbone, config, random).masks for _ in range(4)]


@pytest.mark.parametrize("name", ["eyes", "mouth", "face"])
def test_a_mask_that_fills_its_box_makes_the_same_hole(backbone: Backbone, name: str):
    photo = make_photo()
    boxes = {"eyes": EYES, "mouth": MOUTH, "face": FACE}
    masked = with_masks(photo, **{name: drawn(boxes[name])})
    plain = examples(photo, backbone, scale_jitter=0.0)
    for bare, own in zip(plain, examples(masked, backbone, scale_jitter=0.0), strict=True):
        assert list(own) == list(bare)
        for key, hole in own.items():
            if (key or "face") != name:
                assert torch.equal(hole, bare[key])
                continue
            box, wanted = mask_box(hole), mask_box(bare[key])
            assert box is not None
            assert wanted is not None
            assert hole.sum() == box.area
            # A side may be rounded to the next pixel, and the least hole lie to either side.
            assert max(abs(a - b) for a, b in zip(box, wanted, strict=True)) <= 2


def test_the_hole_has_the_shape_of_the_mask_and_not_of_its_box(backbone: Backbone):
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    triangle = ((x > 40) & (x < 90) & (y > 30) & (y - 30 < x - 40)).float()[None, None]
    triangle = triangle * (y < 80)
    photo = make_photo()
    still = {"mask_jitter": 0.0, "scale_jitter": 0.0, "shift_jitter": 0.0, "part_grow": 1.0}
    hole = examples(with_masks(photo, eyes=triangle), backbone, **still)[0]["eyes"]
    config = TrainConfig(attributes="female", **still)
    box = crop_box(face_region(photo, config), (128, 128), config)
    wanted = crop(triangle, box, fill="zero")
    wanted = resize(wanted, (SPEC.resolution, SPEC.resolution), mask=True) > 0.5
    assert torch.equal(hole, wanted.float())
    grown = examples(with_masks(photo, eyes=triangle), backbone, **{**still, "part_grow": 1.3})
    assert ((grown[0]["eyes"] - hole) >= 0).all()
    assert grown[0]["eyes"].sum() > 1.2 * hole.sum()
    assert grown[0]["eyes"].sum() < 0.9 * box_area(grown[0]["eyes"])
    smaller = examples(with_masks(photo, eyes=triangle), backbone, **{**still, "part_grow": 0.8})
    assert 0 < smaller[0]["eyes"].sum() < hole.sum()


def box_area(hole: Tensor) -> int:
    box = mask_box(hole)
    assert box is not None
    return box.area


def test_an_own_mask_of_the_face_is_the_global_hole_with_the_hair(backbone: Backbone):
    half = drawn(Box(40, 30, 90, 65))
    photo = with_masks(make_photo(), face=half)
    config = TrainConfig(attributes="female", mask_jitter=0.0, face_grow=1.0, outline_share=0.0)
    assert face_region(photo, config) == Box(40, 30, 90, 65)
    holes = crop_example(photo, backbone, config).masks
    area = float(holes["global"].sum())
    hair = Part("hair", Box(60, 10, 70, 40), 0.9)
    found = replace(photo.attributes, parts=(*photo.attributes.parts, hair))
    more = crop_example(replace(photo, attributes=found), backbone, config).masks
    # A narrow tuft above the face adds itself and not the corners of a box around both.
    hole = more["global"]
    box = mask_box(hole)
    assert box is not None
    assert area > 0
    assert 0.5 * box.area < hole.sum() < 0.8 * box.area


def test_an_even_share_of_the_holes_over_a_face_has_its_outline(backbone: Backbone):
    photo = make_photo()
    whole = set(range(8))
    for share, wanted in ((0.0, set()), (0.25, {0, 4}), (0.5, {0, 2, 4, 6}), (1.0, whole)):
        config = TrainConfig(attributes="female", outline_share=share, mask_jitter=0.0)
        holes = [crop_example(photo, backbone, config, number=number).face for number in range(8)]
        assert {i for i, hole in enumerate(holes) if hole.sum() < box_area(hole)} == wanted


def test_an_outlined_hole_moves_with_the_jitter_and_keeps_to_the_head(backbone: Backbone):
    photo, config = make_photo(), TrainConfig(attributes="female", outline_share=1.0)
    random = torch.Generator().manual_seed(5)
    still = crop_example(photo, backbone, config).face
    moved = [crop_example(photo, backbone, config, random).face for _ in range(4)]
    for hole in moved:
        assert not torch.equal(hole, still)
        assert 0.5 < hole.sum() / still.sum() < 2
    assert config.hash != TrainConfig(attributes="female", outline_share=0.0).hash


def test_even_a_thin_mask_leaves_a_hole_in_the_latent(backbone: Backbone):
    line = torch.eye(128)[None, None] * drawn(EYES)
    for mask in (drawn(Box(60, 60, 61, 61)), drawn(Box(45, 85, 80, 86)), line):
        photo = with_masks(make_photo(), eyes=mask)
        for grow in (0.5, 1.0, 1.3):
            for holes in examples(photo, backbone, part_grow=grow, mask_jitter=0.9):
                assert set(holes["eyes"].unique().tolist()) == {0.0, 1.0}
                assert latent_mask(holes["eyes"]).sum() >= 1


def with_part(photo: Photo, part: Part) -> Photo:
    return replace(photo, attributes=replace(photo.attributes, parts=(part,)))


def test_a_photo_that_cannot_be_used_is_named():
    photo = make_photo(7)
    found = photo.attributes
    outside = Box(500, 500, 600, 600)
    wrong = [
        (replace(photo, attributes=replace(found, face=outside)), MaskError, "face box"),
        (
            replace(photo, attributes=replace(found, face=Box(-100, -100, 2, 2))),
            MaskError,
            "only touches.*corner",
        ),
        (with_part(photo, Part("eyes", outside, 1.0)), MaskError, "eyes box"),
        (with_part(photo, Part("eyes", Box(5, 5, 5, 9), 1.0)), MaskError, "eyes box"),
        (
            with_part(photo, Part("eyes", EYES, 1.0, torch.zeros(1, 1, 128, 128))),
            MaskError,
            "empty",
        ),
        (with_part(photo, Part("eyes", EYES, 1.0, torch.ones(1, 1, 64, 64))), MaskError, "64x64"),
        (replace(photo, image=photo.image.repeat(2, 1, 1, 1)), ImageError, "2 pictures"),
        (replace(photo, image=photo.image[..., :64]), ImageError, "detect again"),
        (replace(photo, image=photo.image * torch.nan), ImageError, "NaN"),
    ]
    check_photo(photo, TABLE)
    for bad, error, named in wrong:
        with pytest.raises(error, match=named) as caught:
            check_photo(bad, TABLE)
        assert "photo7" in str(caught.value)
