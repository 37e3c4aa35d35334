"""What training shows the U-Net is what composing shows it."""

from dataclasses import replace

import pytest
import torch

from facea_core.backbone import latent_mask
from facea_core.backbone.spec import TINY
from facea_core.composing import (
    TargetFace,
    compose_faces,
    crop_mask,
    face_mask,
)
from facea_core.io.images import crop, resize
from facea_core.masks import mask_box
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.training.config import TrainConfig
from facea_core.training.data import build_cache, crop_example
from facea_core.training.tasks import crop_box, head_shape
from facea_core.types import (
    Box,
    FaceAttributes,
    Part,
    Photo,
)

from .people import QUICK, box_mask, compose


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
