"""One attribute changed: which part a text is about, what is repainted, and who paints it when."""

from dataclasses import replace

import pytest
import torch

from facea_core.attributes import ATTRIBUTES
from facea_core.composing import (
    ComposeConfig,
    Edit,
    EditConfig,
    TargetFace,
    edit_target,
    edited,
    edited_parts,
    plan_batch,
)
from facea_core.errors import ConfigError
from facea_core.types import Box, DetectedFaces, FaceAttributes, Part

from .people import LAYER, LEFT, QUICK, compose, person

SIZE = (150, 201)
FACE = FaceAttributes(
    SIZE, Box(60, 30, 130, 120), 0.9, (Part("mouth", Box(82, 92, 108, 104), 0.9),)
)
STEPS = replace(QUICK, steps=4)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("smiling", ("mouth",)),
        ("an open mouth", ("mouth",)),
        ("Red hair", ("hair",)),
        ("blonde curls", ("hair",)),
        ("round glasses", ("glasses",)),
        ("facial hair", ("beard",)),
        ("green eyes", ("eyes",)),
        ("smiling, with a full beard", ("beard", "mouth")),
    ],
)
def test_a_text_tells_which_part_it_is_about(text, parts):
    assert edited_parts(text) == parts


@pytest.mark.parametrize(
    ("text", "parts", "masked", "words"),
    [
        ("", "", False, "is empty"),
        ("happier", "", False, "happier"),
        ("smiling", "elbow", False, "elbow"),
        ("smiling", "head", False, "keeps the person"),
        ("smiling", "mouth", True, "a mask says where"),
        (3, "", False, "edit"),
    ],
)
def test_an_edit_that_says_nothing_is_refused(text, parts, masked, words):
    with pytest.raises(ConfigError, match=words):
        edited_parts(text, parts, masked=masked)


def test_parts_by_name_go_before_the_text_and_a_mask_needs_neither():
    assert edited_parts("happier", "mouth, eyes") == ("mouth", "eyes")
    assert edited_parts("happier", masked=True) == ()
    assert edited_parts("red hair", masked=True) == ("hair",)


@pytest.mark.parametrize("part", [name for name in ATTRIBUTES if name != "face"])
def test_every_part_has_a_region_within_the_head_s_view_found_or_not(part):
    target = edit_target(FACE, [part], ComposeConfig())
    assert (target.mask >= 0.5).any()
    assert target.around is not None
    assert (target.around >= target.mask).all()


def test_hair_is_no_part_of_the_face_and_a_smile_is_wider_than_a_mouth():
    hair = edit_target(FACE, ["hair"], ComposeConfig()).mask
    assert hair[0, 0, 90, 95] == 0
    assert hair[0, 0, 32, 95] > 0.5
    smile = edit_target(FACE, ["mouth"], ComposeConfig()).mask >= 0.5
    assert smile[0, 0, 98, 78:113].all()


def test_words_of_what_changes_give_way_and_the_model_alone_is_not_told_of_the_person(backbone):
    ada = person(backbone)
    green = edited(TargetFace(LEFT, ada), "green eyes", ["eyes"])
    assert green.prompt == "a photo of a woman with embedding:ada/mouth, green eyes"
    assert green.edit == Edit("a photo of a woman, green eyes")
    smile = edited(TargetFace(LEFT, ada), "smiling", ["mouth"], EditConfig(0.5, 100))
    assert smile.prompt == ada.meta.prompt + ", smiling"
    assert smile.edit == Edit("a photo of a woman, smiling", 0.5, 100)
    anybody = edited(TargetFace(LEFT), "smiling", ["mouth"])
    assert (anybody.prompt, anybody.edit) == ("a photo of a person, smiling", None)


@pytest.mark.parametrize("who", [True, False])
def test_what_is_put_on_a_face_has_room_and_a_smile_has_not(backbone, who):
    target = TargetFace(LEFT, person(backbone) if who else None)
    assert edited(target, "round glasses", ["glasses"]).roomy
    assert edited(target, "smiling, with a full beard", ["beard", "mouth"]).roomy
    assert not edited(target, "smiling", ["mouth"]).roomy


def made(backbone, image, **edit):
    face = TargetFace(LEFT, person(backbone), "a photo of embedding:ada/eyes")
    if edit:
        face = replace(face, edit=Edit("a photo of a woman, smiling", **edit))
    return compose(backbone, image, [face], STEPS)


def test_nothing_by_the_model_alone_is_the_person_s_painting_bit_for_bit(backbone, image):
    plain = made(backbone, image).image
    assert torch.equal(made(backbone, image, amount=0.0).image, plain)
    assert torch.equal(made(backbone, image, handover=1000).image, plain)


def test_all_by_the_model_alone_is_its_own_painting(backbone, image):
    alone = compose(
        backbone, image, [TargetFace(LEFT, None, "a photo of a woman, smiling")], STEPS
    ).image
    assert torch.allclose(made(backbone, image, amount=1.0, handover=-1).image, alone, atol=1e-5)


def test_a_larger_amount_leads_further_from_the_person(backbone, image):
    plain = made(backbone, image).image
    gaps = [
        float((made(backbone, image, amount=amount, handover=0).image - plain).abs().mean())
        for amount in (0.1, 0.4, 1.0)
    ]
    assert 0 < gaps[0] < gaps[1] < gaps[2]


def test_outside_nothing_changes_and_the_model_gets_its_weights_back(backbone, image):
    before = backbone.unet.get_submodule(LAYER).weight
    result = made(backbone, image, amount=1.0, handover=300)
    outside = (result.mask == 0).expand_as(image)
    assert outside.any()
    assert torch.equal(result.image[outside], image[outside])
    assert backbone.unet.get_submodule(LAYER).weight is before


def test_the_model_alone_is_asked_only_above_the_handover(backbone, image):
    calls = []
    handle = backbone.unet.register_forward_pre_hook(lambda _, args: calls.append(int(args[1][0])))
    made(backbone, image, handover=500)
    handle.remove()
    assert calls == [999, 999, 749, 749, 499, 249]


def test_a_batch_is_planned_by_regions_in_place_of_heads(backbone):
    ada, config = person(backbone), ComposeConfig()
    image = torch.rand(1, 3, *SIZE)
    found = DetectedFaces("mouth", ((FACE,),))
    jobs, notes = plan_batch(
        [image], None, found, [ada], config, backbone.spec,
        target=lambda face: edit_target(face, ["mouth"], config),
    )  # fmt: skip
    ((face,),) = [job.faces for job in jobs]
    wanted = edit_target(FACE, ["mouth"], config)
    assert not notes
    assert face.identity is ada
    assert torch.equal(face.mask, wanted.mask)
    assert torch.equal(face.around, wanted.around)
