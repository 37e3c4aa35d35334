"""Families with a variational autoencoder learn and paint."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import SD2, SDXL, Family
from facea_core.composing import ComposeConfig, compose_identity
from facea_core.training import TrainConfig, train_identity
from facea_core.training.data import build_cache

from ...narrow import narrow_family
from ..photos import small_photo
from .modules import NARROW


def picture() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_a_variational_latent_has_a_mean_and_a_deviation_in_the_scale_of_the_u_net(
    narrow: Backbone,
):
    encoded = narrow.encode_image(picture())
    with torch.no_grad():
        plain = narrow.vae.encode(picture() * 2 - 1).latent_dist
    assert encoded.mean.shape == (1, 4, 8, 8)
    assert encoded.std is not None
    assert encoded.std.min() > 0
    torch.testing.assert_close(encoded.mean, 0.18215 * plain.mean)
    torch.testing.assert_close(encoded.std, 0.18215 * plain.std)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoded.sample(noise), 0.18215 * (plain.mean + plain.std * noise))
    assert torch.equal(encoded.sample(), encoded.mean)


def test_decoding_takes_the_scale_away_again(narrow: Backbone):
    config = {**narrow.vae.config, "scaling_factor": 1.0}
    unscaled = replace(narrow, vae=type(narrow.vae).from_config(config).eval())
    unscaled.vae.load_state_dict(narrow.vae.state_dict())
    mine, theirs = narrow.encode_image(picture()).mean, unscaled.encode_image(picture()).mean
    torch.testing.assert_close(mine, 0.18215 * theirs)
    decoded = narrow.decode(mine)
    assert decoded.shape == (1, 3, 64, 64)
    assert 0 <= decoded.min() < decoded.max() <= 1
    torch.testing.assert_close(decoded, unscaled.decode(theirs))


CONFIG = TrainConfig(attributes="eyes", steps=1, batch=1, rank=1, variants=1)


def test_latents_are_drawn_anew_from_the_same_photo(narrow: Backbone):
    generator = torch.Generator().manual_seed(0)
    cache = build_cache([small_photo()], narrow, CONFIG, generator)
    draws = [cache.draw(CONFIG, generator) for _ in range(2)]
    # Noise for the loss, and for both latents.
    assert draws[0].noise.shape == (3, 1, 4, 8, 8)
    row = torch.tensor([0])
    (one, _, seen), (other, _, seen_again) = (cache.gather(row, d.noise[1:]) for d in draws)
    assert not torch.equal(one, other)
    assert not torch.equal(seen, seen_again)
    latent, _, masked = cache.gather(row, torch.zeros_like(draws[0].noise[1:]))
    assert torch.equal(latent, cache.clean.mean[:1])
    assert torch.equal(masked, cache.masked.mean[:1])


def test_a_variational_family_learns_and_paints(narrow: Backbone):
    identity = train_identity([small_photo()], narrow, CONFIG)
    assert identity.meta.family == "sd15"
    assert identity.words[0].vectors["clip_l"].shape == (1, 32)
    assert all(weights.up.isfinite().all() for weights in identity.lora.values())
    assert any(weights.up.any() for weights in identity.lora.values())
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    made = compose_identity(
        picture(), [(mask, identity)], narrow, ComposeConfig(steps=1, cfg=1.0), identity.meta.prompt
    )
    assert made.image.isfinite().all()
    assert (made.image != picture())[..., 30:34, 30:34].any()
    outside = made.mask.expand_as(made.image) == 0
    assert torch.equal(made.image[outside], picture()[outside])
    assert outside[..., 54:].all()


def test_a_plain_model_learns_where_it_is_asked_to_and_paints():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = empty_backbone(NARROW, NARROW.variant(inpainting=False))
    config = replace(CONFIG, masked_latent=True)
    identity = train_identity([small_photo()], plain, config)
    assert any(weights.up.any() for weights in identity.lora.values())
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    made = compose_identity(
        picture(), [(mask, identity)], plain, ComposeConfig(steps=1, cfg=1.0), identity.meta.prompt
    )
    assert (made.image != picture())[..., 30:34, 30:34].any()
    outside = made.mask.expand_as(made.image) == 0
    assert torch.equal(made.image[outside], picture()[outside])
    assert outside[..., 54:].all()


@pytest.mark.parametrize("wide", [SD2, SDXL])
def test_wider_families_learn_and_paint(wide: Family):
    family = narrow_family(wide)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = empty_backbone(family)
    identity = train_identity([small_photo()], backbone, CONFIG)
    assert identity.meta.family == wide.spec.family
    rows = {name: vectors.shape[1] for name, vectors in identity.words[0].vectors.items()}
    assert rows == family.spec.widths
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    # With guidance, which joins both prompts' contexts and pooled states.
    made = compose_identity(
        picture(), [(mask, identity)], backbone, ComposeConfig(steps=1), identity.meta.prompt
    )
    assert made.image.isfinite().all()
    assert (made.image != picture())[..., 30:34, 30:34].any()
