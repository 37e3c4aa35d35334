"""The recipe's pieces: what is exact is tested here, what they learn is scored by the recipe."""

import random

import pytest
import torch

from facea_core.tiny.painter import PARTS, VOCABULARY, class_noun
from facea_core.tiny.pretrain.autoencoder import (
    NarrowAutoencoder,
    export,
    normalise,
    start_at_linear_optimum,
)
from facea_core.tiny.pretrain.captions import caption, describe_pool
from facea_core.tiny.pretrain.dataset import HEAD, holes, paint_pool
from facea_core.tiny.pretrain.encoder import contrastive
from facea_core.tiny.pretrain.score import equal_error_rate


@pytest.fixture(scope="module")
def pool():
    return paint_pool(6, 2, 11)


@pytest.fixture(scope="module")
def trained(pool):
    """An autoencoder with random, not zero, residual branches."""
    torch.manual_seed(0)
    model = NarrowAutoencoder()
    image, _ = pool.batch(torch.arange(12), "cpu")
    start_at_linear_optimum(model, image)
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.requires_grad_(False), image


def test_the_export_is_the_same_function_in_the_published_layout(trained):
    model, image = trained
    wide = export(model)
    latent = model.encode(image)
    assert torch.allclose(wide.encode(image * 2 - 1).latents, latent, atol=1e-5)
    assert torch.allclose(wide.decode(latent).sample / 2 + 0.5, model.decode(latent), atol=1e-5)


def test_the_start_is_the_principal_components_of_patches(pool):
    model = NarrowAutoencoder()
    image, _ = pool.batch(torch.arange(12), "cpu")
    start_at_linear_optimum(model, image)
    with torch.no_grad():
        latent = model.encode(image).movedim(1, -1).flatten(0, 2)
    # Principal components are uncorrelated; scaled, they have unit variance.
    assert torch.allclose(torch.cov(latent.T), torch.eye(4), atol=1e-3)


def test_normalised_latents_have_no_mean_and_unit_deviation(trained):
    model, image = trained
    before = model.decode(model.encode(image))
    normalise(model, image)
    latent = model.encode(image)
    assert latent.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert torch.allclose(latent.std(dim=(0, 2, 3)), torch.ones(4), atol=1e-3)
    # Only the clamp between the two sides makes a difference.
    assert (model.decode(latent) - before).abs().mean() < 0.05


@pytest.mark.parametrize("part", [HEAD, *range(len(PARTS))])
def test_a_hole_covers_most_of_its_part(pool, part):
    _, masks = pool.batch(torch.arange(12), "cpu")
    hole = holes(masks, torch.full((12,), part), torch.Generator().manual_seed(0))
    assert set(hole.unique().tolist()) <= {0.0, 1.0}
    shape = masks[:, :2].amax(1, True) if part == HEAD else masks[:, part : part + 1]
    for one, wanted in zip(hole, shape, strict=True):
        if wanted.max() > 0.5:
            assert (one * wanted).sum() > 0.75 * wanted.sum()


def test_captions_use_known_words_and_name_the_part(pool):
    descriptions = describe_pool(pool.people, pool.scenes)
    rng = random.Random(0)
    for i, description in enumerate(descriptions):
        assert description.noun == class_noun(pool.people[i])
        for part in (HEAD, *range(len(PARTS))):
            text = caption(description, part, rng)
            assert set(text.replace(",", "").split()) <= set(VOCABULARY)


def test_the_contrastive_loss_prefers_the_right_neighbours():
    right = torch.eye(4).repeat_interleave(2, dim=0)
    wrong = torch.eye(4).repeat(2, 1)
    assert contrastive(right, 2) < contrastive(wrong, 2) / 10


def test_the_equal_error_rate_of_separated_and_of_equal_scores():
    assert equal_error_rate(torch.rand(99) + 1, torch.rand(99)) == pytest.approx(0, abs=0.01)
    same = torch.linspace(0, 1, 1000)
    assert equal_error_rate(same, same) == pytest.approx(0.5, abs=0.01)
