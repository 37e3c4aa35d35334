import math
from dataclasses import replace

import pytest
import torch

from facea_core.backbone import latent_mask
from facea_core.backbone.load import random_backbone
from facea_core.backbone.spec import TINY
from facea_core.composing import (
    ComposeConfig,
    TargetFace,
    compose_faces,
    compose_identity,
    crop_mask,
    face_mask,
    face_prompt,
    prompt_for,
)
from facea_core.errors import BackboneMismatchError, ConfigError, ImageError, MaskError
from facea_core.io.images import crop, resize
from facea_core.masks import UNSEEN, mask_box
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.training.config import TrainConfig
from facea_core.training.data import build_cache, crop_example
from facea_core.training.tasks import crop_box, head_shape
from facea_core.types import (
    Box,
    FaceAttributes,
    Identity,
    IdentityMeta,
    LoraWeights,
    Part,
    Photo,
    Word,
)

QUICK = ComposeConfig(steps=1, seed=3, cfg=1.0)
LAYER = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v"


@pytest.fixture(scope="module")
def backbone():
    """One for all, at half its side for speed: painting leaves it as it is, as a test states."""
    tiny = random_backbone(0)
    return replace(tiny, spec=replace(tiny.spec, resolution=64))


@pytest.fixture
def image():
    return torch.rand(1, 3, 150, 201, generator=torch.Generator().manual_seed(0))


def box_mask(size, box):
    mask = torch.zeros(1, 1, *size)
    mask[..., box[1] : box[3], box[0] : box[2]] = 1
    return mask


LEFT, RIGHT = (box_mask((150, 201), box) for box in ((10, 20, 50, 70), (130, 30, 180, 90)))
EMPTY = torch.zeros(1, 1, 150, 201)


def person(backbone, name="ada", family=None):
    generator = torch.Generator().manual_seed(sum(name.encode()))
    width = backbone.spec.widths["clip_l"]
    words = tuple(
        Word(f"{name}/{part}", part, part, {"clip_l": torch.randn(1, width, generator=generator)})
        for part in ("eyes", "mouth")
    )
    shape = backbone.unet.get_submodule(LAYER).weight.shape
    down = torch.randn(4, shape[1], generator=generator)
    up = torch.randn(shape[0], 4, generator=generator)
    prompt = f"a photo of a woman with embedding:{name}/eyes embedding:{name}/mouth"
    meta = IdentityMeta(family or backbone.spec.family, "", "woman", prompt, 1, 0, 4)
    return Identity(name, words, {LAYER: LoraWeights(down, up, 4.0)}, meta)


def compose(backbone, image, faces, config=QUICK, **more):
    return compose_identity(image, faces, backbone, config, **more)


# What is touched


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


# The same input as in training


def test_training_and_composing_feed_the_unet_the_same(backbone):
    photo = Photo(
        torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)),
        FaceAttributes((64, 64), Box(19, 17, 44, 48), 1.0),
    )
    config = TrainConfig(variants=1, batch=1)
    cache = build_cache([photo], backbone, config, torch.Generator().manual_seed(0))
    example = crop_example(photo, backbone, config)

    calls = []
    handle = backbone.unet.register_forward_pre_hook(lambda _, args: calls.append(args[0].clone()))
    result = compose(backbone, example.image, [(example.face, None)], replace(QUICK, feather=0.0))
    handle.remove()
    assert result.plans[0].box == Box(0, 0, 64, 64)
    (sample,) = calls
    assert torch.equal(sample[:1, 4:5], cache.mask[:1])
    # A batch of one and of two encodes alike, but not to the last bit.
    assert torch.allclose(sample[:1, 5:], cache.masked.mean[:1], atol=1e-5)


def test_training_outlines_a_head_as_composing_does(backbone):
    hair = Part("hair", Box(17, 12, 46, 30), 1.0)
    found = FaceAttributes((64, 64), Box(22, 18, 41, 44), 1.0, (hair,))
    photo = Photo(torch.rand(1, 3, 64, 64), found)
    config = TrainConfig(outline_share=1.0)
    example = crop_example(photo, backbone, config)
    mask = face_mask(found)
    box = mask_box((mask > 0.5).float())
    wanted = crop((mask > 0.5).float(), crop_box(box, (64, 64), config), fill="zero")
    assert torch.equal(example.face, (resize(wanted, (64, 64), mask=True) > 0.5).float())


def shown(image, mask, spec, config=None):
    """What a painter is shown of a mask: the latent mask, the mask in {0, 1}, and the rest."""
    seen = []

    def keep(face, crop, seeds):
        seen.append(crop.mask)
        return crop.image

    result = compose_faces(image, [TargetFace(mask)], keep, spec, config)
    (given,) = seen
    return latent_mask(given, spec.latent_factor), given.round(), result.plans[0], result


@pytest.mark.parametrize("seed", range(6))
def test_composing_masks_what_training_learned(seed):
    painted = paint(
        sample_people(1, torch.Generator().manual_seed(seed)),
        sample_scenes(1, torch.Generator().manual_seed(seed)),
        (128, 256)[seed % 2],
    )
    boxes = painted.boxes[0]
    size = (painted.image.shape[2], painted.image.shape[3])
    hair = (Part("hair", Box(*boxes["hair"]), 1.0),) if "hair" in boxes else ()
    found = FaceAttributes(size, Box(*boxes["face"]), 1.0, hair)
    learned = head_shape(Photo(painted.image, found), TrainConfig())
    _, mask, plan, result = shown(painted.image, face_mask(found), TINY.spec)
    outline = (crop_mask(learned, plan) > 0.5).float()
    assert abs(float(mask.sum() / outline.sum()) - 1) < 0.02
    assert float((mask != outline).sum() / outline.sum()) < 0.02
    assert result.notes == ()


@pytest.mark.parametrize(
    ("size", "square", "strand"),
    [
        ((500, 600), (50, 100, 350, 400), (350, 240, 550, 270)),
        ((500, 600), (50, 100, 350, 400), (350, 240, 550, 246)),
        ((2000, 2600), (200, 400, 1400, 1600), (1400, 900, 2400, 906)),
    ],
)
def test_a_strand_that_was_drawn_is_in_the_mask_that_the_model_gets(size, square, strand):
    mask = torch.maximum(box_mask(size, square), box_mask(size, strand))
    image = torch.rand(1, 3, *size)
    latent, _, plan, result = shown(image, mask, TINY.spec)
    # Along the middle of the strand no latent pixel is farther than one from the mask.
    wide = torch.nn.functional.max_pool2d(latent, 3, stride=1, padding=1)
    at = resize(crop(mask, plan.box, fill="zero"), (128, 128), mask=True)
    drawn = torch.nn.functional.max_pool2d((at > 0).float(), TINY.spec.latent_factor)
    assert (wide >= drawn).all()
    assert (result.mask[mask > 0] == 1).all()


# Prompts


def test_prompts(backbone):
    ada, ben = person(backbone), person(backbone, "ben")
    own = ada.meta.prompt
    assert face_prompt("", ada) == own
    assert face_prompt("  ", ada) == own
    assert face_prompt("", None) == ""
    assert face_prompt("at the sea", None) == "at the sea"
    added = "at the sea embedding:ada/eyes embedding:ada/mouth"
    assert face_prompt("at the sea", ada) == added
    assert face_prompt("with embedding:ada/eyes only", ada) == "with embedding:ada/eyes only"
    two = "embedding:ada/eyes and embedding:ben/eyes"
    assert face_prompt(two, ada, [ada, ben]) == "embedding:ada/eyes and"
    assert face_prompt(two, ben, [ada, ben]) == "and embedding:ben/eyes"
    assert face_prompt("a, embedding:ben/eyes", None, [ben]) == "a,"


def test_one_prompt_for_all_or_one_for_each(backbone, image):
    faces = [(LEFT, person(backbone)), (RIGHT, person(backbone, "ben"))]
    shared = compose(backbone, image, faces, prompt="a smiling face")
    each = compose(backbone, image, faces, prompt=["a smiling face", "a smiling face"])
    assert torch.equal(shared.image, each.image)
    with pytest.raises(ConfigError, match="3 prompts for 2 faces"):
        compose(backbone, image, faces, prompt=["a", "b", "c"])


def test_unknown_words_are_named_before_anything_is_painted(backbone, image):
    seen = []
    faces = [(LEFT, person(backbone)), (RIGHT, person(backbone, "ben"))]
    with pytest.raises(ConfigError, match="eve/eyes"):
        compose(
            backbone,
            image,
            faces,
            prompt=["", "embedding:eve/eyes"],
            on_step=lambda *step: seen.append(step),
        )
    assert not seen


# Bad input


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.ones(1, 1, 64, 65), r"65x64.*201x150"),
        (torch.ones(2, 1, 150, 201), "2 masks"),
        (torch.ones(1, 3, 150, 201), "shape"),
        (torch.full((1, 1, 150, 201), math.nan), "NaN"),
    ],
)
def test_unusable_masks_are_named_before_anything_is_painted(backbone, image, mask, said):
    seen = []
    with pytest.raises(MaskError, match=said):
        compose(
            backbone, image, [(LEFT, None), (mask, None)], on_step=lambda *step: seen.append(step)
        )
    assert not seen


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (torch.rand(2, 3, 150, 201), "batch of 2"),
        (torch.rand(1, 4, 150, 201), "shape"),
        (torch.full((1, 3, 150, 201), math.nan), "NaN"),
    ],
)
def test_unusable_pictures_are_named(backbone, picture, said):
    with pytest.raises(ImageError, match=said):
        compose(backbone, picture, [(LEFT, None)])


def test_an_identity_of_another_family_is_refused_by_name(backbone, image):
    stranger = person(backbone, family="sd15")
    with pytest.raises(BackboneMismatchError, match="sd15"):
        compose(backbone, image, [(LEFT, None), (RIGHT, stranger)])


def test_a_face_mask_composes(backbone, image):
    mask = face_mask(FaceAttributes((150, 201), Box(80, 40, 130, 100), 1.0), QUICK)
    result = compose(backbone, image, [(mask, None)])
    assert torch.equal(result.mask > 0, mask >= UNSEEN)
    assert result.notes == ()


def test_a_prompt_with_separators_is_one_for_each_face():
    assert [prompt_for("a man", face) for face in (0, 5)] == ["a man"] * 2
    assert [prompt_for("a man [SEP] [SEP]a woman", face) for face in range(4)] == [
        "a man", "", "a woman", "a woman"
    ]  # fmt: skip
