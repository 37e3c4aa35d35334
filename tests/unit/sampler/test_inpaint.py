"""What the U-Net is fed, and what comes of it."""

import pytest
import torch

from facea_core.backbone import latent_mask, masked_image
from facea_core.composing import ComposeConfig
from facea_core.composing.solvers import SOLVERS

from .scenes import QUICK, paint


def test_the_unet_is_fed_noise_mask_and_masked_latent(backbone, scene, prompts, fed):
    image, mask = scene
    paint(backbone, prompts, image, mask, QUICK)
    wanted = latent_mask(mask, 8)
    masked = backbone.encode_image(masked_image(image, mask)).sample()
    for sample, _, context in fed:
        assert sample.shape == (6, 9, 8, 8)
        assert torch.equal(sample[:3], sample[3:])
        assert torch.equal(sample[:3, 4:5], wanted)
        assert torch.equal(sample[:3, 5:], masked)
        assert torch.equal(context[0], prompts[0].context[0])
        assert torch.equal(context[5], prompts[1].context[0])


def test_it_starts_from_pure_noise_of_each_items_own_seed(backbone, scene, prompts, fed):
    image, mask = scene
    paint(backbone, prompts, image, mask, QUICK)
    for i in range(3):
        noise = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(5 + i))
        assert torch.equal(fed[0][0][i, :4], noise)


def test_a_batch_gives_what_its_items_give_alone(backbone, scene, prompts):
    image, mask = scene
    batch = paint(backbone, prompts, image, mask, QUICK)
    listed = paint(backbone, prompts, image, mask, QUICK, seed=[5, 6, 7])
    assert torch.equal(batch, listed)
    for i in range(3):
        one = slice(i, i + 1)
        single = paint(backbone, prompts, image[one], mask[one], QUICK, seed=5 + i)
        assert torch.allclose(single, batch[one], atol=1e-4)


@pytest.mark.parametrize("sampler", SOLVERS)
@pytest.mark.parametrize("denoise", [1.0, 0.6])
def test_a_model_that_sees_no_surroundings_keeps_them(
    blind, scene, prompts, monkeypatch, sampler, denoise
):
    image, mask = scene
    masked = latent_mask(mask, 8) > 0
    clean = blind.encode_image(image).sample()
    seen, decoded = [], []
    handle = blind.unet.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    monkeypatch.setattr(
        type(blind),
        "decode",
        lambda self, latent: decoded.append(latent) or torch.zeros(len(latent), 3, 8, 8),
    )
    paint(blind, prompts, image, mask, ComposeConfig(steps=4, sampler=sampler, denoise=denoise))
    handle.remove()
    latent = torch.cat(decoded)
    keep = ~masked.expand_as(clean)
    assert torch.equal(latent[keep], clean[keep])
    assert not torch.isclose(latent[~keep], clean[~keep]).any(dim=0).all()
    # What it is shown around the mask comes nearer to the picture with every step.
    assert {sample.shape[1] for sample in seen} == {4}
    far = [float((sample[:3][keep] - clean[keep]).norm()) for sample in seen]
    assert far == sorted(far, reverse=True)
    assert far[-1] < 0.7 * far[0]
