"""What is touched, by whom, and in which order."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from facea_core.backbone import latent_mask
from facea_core.composing import (
    TargetFace,
    compose_faces,
)
from facea_core.composing.stitch import crop_mask

from .people import EMPTY, LAYER, LEFT, QUICK, RIGHT, box_mask, compose, person


def test_an_empty_mask_gives_the_same_bytes_and_says_so(backbone, image):
    result = compose(backbone, image, [(EMPTY, person(backbone))])
    assert torch.equal(result.image, image)
    assert not result.mask.any()
    assert result.plans == result.crops == result.patches == ()
    assert result.notes == ("face 1: the mask is empty",)


def test_no_faces_give_the_same_bytes(backbone, image):
    assert torch.equal(compose(backbone, image, []).image, image)


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((150, 201), (60, 40, 120, 110)),
        ((151, 203), (180, 0, 203, 60)),
        ((61, 243), (100, 0, 160, 61)),
        ((128, 128), (0, 0, 128, 128)),
        ((131, 64), (30, 60, 31, 61)),
        ((16, 17), (4, 4, 9, 9)),
        ((900, 1300), (300, 100, 1100, 900)),
    ],
)
def test_pixels_outside_the_mask_are_unchanged_exactly(backbone, size, box):
    image = torch.rand(1, 3, *size)
    mask = box_mask(size, box)
    for feather in (0.0, 0.08):
        result = compose(backbone, image, [(mask, None)], replace(QUICK, feather=feather))
        unchanged = (result.image == image).all(dim=1, keepdim=True)
        assert unchanged[result.mask == 0].all()
        assert not unchanged[mask > 0].all()
        # What was drawn is in it, wholly; without a feather nothing else is.
        assert (result.mask[mask > 0] == 1).all()
        assert torch.equal(result.mask > 0, mask > 0) or feather > 0
    assert torch.isfinite(result.image).all()
    assert 0 <= result.image.min() <= result.image.max() <= 1
    assert result.image.shape == image.shape


def test_the_returned_mask_says_what_was_touched(backbone, image):
    soft = torch.zeros(1, 1, 150, 201)
    soft[..., 40:100, 60:160] = torch.linspace(0.1, 0.9, 100)
    result = compose(backbone, image, [(soft, None)])
    changed = (result.image != image).any(dim=1, keepdim=True)
    assert not changed[result.mask == 0].any()
    # It fades by itself, so nothing is added.
    assert torch.equal(result.mask > 0, soft > 0)


def test_half_a_mask_touches_half(backbone, image):
    mask = box_mask((150, 201), (0, 0, 100, 150))
    for feather in (0.0, 0.08):
        result = compose(backbone, image, [(mask, None)], replace(QUICK, feather=feather))
        changed = (result.image != image).any(dim=1)[0]
        # The blend is 0.08 of 150 pixels wide, and outside of what was drawn.
        assert not changed[:, 100 + math.ceil(feather * 150) :].any()
        assert changed[:, :100].float().mean() > 0.99


def test_a_mask_too_small_for_the_model_is_painted_larger_and_cut(backbone, image):
    result = compose(backbone, image, [(box_mask((150, 201), (90, 70, 91, 71)), None)])
    assert (result.image != image).any(dim=1).sum() == 1
    assert "smaller than the model can see" in result.notes[0]


def test_a_roomy_mask_is_painted_in_every_latent_pixel_it_touches_and_changes_no_more(
    backbone, image
):
    mask, shown = box_mask((150, 201), (61, 41, 122, 97)), []

    def paint(face, crop, seeds):
        shown.append(crop)
        return torch.rand_like(crop.image)

    strict, roomy = (
        compose_faces(image, [TargetFace(mask, roomy=roomy)], paint, backbone.spec, QUICK)
        for roomy in (False, True)
    )
    factor = backbone.spec.latent_factor
    seen = [latent_mask(crop.mask, factor) for crop in shown]
    assert torch.equal(seen[1], F.max_pool2d((crop_mask(mask, shown[1].plan) > 0).float(), factor))
    assert seen[0].sum() < seen[1].sum()
    assert torch.equal(strict.mask, roomy.mask)
    assert torch.equal(roomy.image[(roomy.mask == 0).expand_as(image)],
                       image[(roomy.mask == 0).expand_as(image)])  # fmt: skip
    assert not roomy.notes


def test_neither_input_nor_backbone_is_changed(backbone, image):
    kept, weights = image.clone(), {k: v.clone() for k, v in backbone.unet.state_dict().items()}
    mask = LEFT.clone()
    compose(backbone, image, [(mask, person(backbone))])
    assert torch.equal(image, kept)
    assert torch.equal(mask, LEFT)
    assert all(torch.equal(v, weights[k]) for k, v in backbone.unet.state_dict().items())


# Several faces


def test_several_faces_are_one_after_the_other(backbone, image):
    ada, ben = person(backbone), person(backbone, "ben")
    both = compose(backbone, image, [(LEFT, ada), (RIGHT, ben)])
    first = compose(backbone, image, [(LEFT, ada)])
    second = compose(backbone, first.image, [(RIGHT, ben)])
    assert torch.equal(both.image, second.image)
    assert torch.equal(both.mask, torch.maximum(first.mask, second.mask))
    assert len(both.plans) == len(both.crops) == len(both.patches) == 2


def test_a_later_face_sees_the_earlier_one(backbone, image):
    result = compose(backbone, image, [(LEFT, None), (LEFT, None)])
    assert not torch.equal(result.crops[0], result.crops[1])


def test_each_face_gets_its_own_person(backbone, image):
    ada, ben = person(backbone), person(backbone, "ben")
    pictures = [compose(backbone, image, [(LEFT, one)]).image for one in (None, ada, ben)]
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[1], pictures[2])


def test_an_identity_is_merged_once_for_all_its_faces_and_candidates(
    backbone, image, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("facea_core.composing.sampler.most_together", lambda *_: 2)
    ada, ben = person(backbone), person(backbone, "ben")
    weights, layer = [], backbone.unet.get_submodule(LAYER)
    handle = backbone.unet.register_forward_pre_hook(lambda *_: weights.append(layer.weight))
    config = replace(QUICK, candidates=3)
    for faces, merges in (
        ([(LEFT, ada), (RIGHT, ada)], 1),
        ([(LEFT, ada), (RIGHT, ben)], 2),
        ([TargetFace(LEFT, ada), TargetFace(RIGHT)], 2),
    ):
        weights.clear()
        compose(backbone, image, faces, config)
        # Two at once and one more, of each face.
        assert len(weights) == 4
        assert len({id(weight) for weight in weights}) == merges
    handle.remove()


def test_a_face_with_a_prompt_of_its_own_keeps_it(backbone, image):
    ada = person(backbone)
    said = compose(backbone, image, [(LEFT, ada)], prompt="at the sea")
    own = compose(backbone, image, [TargetFace(LEFT, ada, "at the sea")], prompt="a smile")
    assert torch.equal(said.image, own.image)
    assert not torch.equal(said.image, compose(backbone, image, [(LEFT, ada)]).image)


def test_an_empty_mask_among_others_is_skipped(backbone, image):
    seen = []
    result = compose(
        backbone,
        image,
        [(EMPTY, None), (LEFT, None), (RIGHT, None)],
        on_step=lambda *step: seen.append(step),
    )
    assert seen == [(1, 2), (2, 2)]
    assert len(result.plans) == 2
    assert result.notes == ("face 1: the mask is empty",)


def test_the_same_seed_gives_the_same_bytes(backbone, image):
    ada = person(backbone)
    first = compose(backbone, image, [(LEFT, ada)]).image
    torch.rand(3)
    assert torch.equal(compose(backbone, image, [(LEFT, ada)]).image, first)
    other = compose(backbone, image, [(LEFT, ada)], replace(QUICK, seed=4)).image
    assert not torch.equal(other, first)


def test_an_exception_in_the_callback_cancels_and_leaves_the_backbone_whole(backbone, image):
    class Cancelled(Exception):
        pass

    def cancel(step, total):
        raise Cancelled

    before = backbone.unet.get_submodule(LAYER).weight
    with pytest.raises(Cancelled):
        compose(backbone, image, [(LEFT, person(backbone))], on_step=cancel)
    assert backbone.unet.get_submodule(LAYER).weight is before
