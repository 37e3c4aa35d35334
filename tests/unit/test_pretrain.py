"""The recipe's pieces: what is exact is tested here, what they learn is scored by the recipe."""

import random

import pytest
import torch
from torch import nn

from facea_core.evaluation.identity_encoder import QUESTIONS, AttributeProbe
from facea_core.synthetic.render import PARTS, VOCABULARY, class_noun
from pretraining.autoencoder import (
    NarrowAutoencoder,
    export,
    narrow,
    normalise,
    start_at_linear_optimum,
    wake,
)
from pretraining.captions import caption, describe_pool
from pretraining.dataset import HEAD, inpaint_masks, paint_pool
from pretraining.encoder import contrastive, paint_heads
from pretraining.latents import stitched
from pretraining.muon import Muon, optimisers, orthogonal
from pretraining.score import equal_error_rate
from pretraining.train import Piece, train_piece


@pytest.fixture(scope="module")
def pool():
    return paint_pool(6, 2, 11)


@pytest.fixture(scope="module")
def trained(pool):
    """An autoencoder with random, not zero, residual branches."""
    torch.manual_seed(0)
    model = NarrowAutoencoder()
    image, _ = pool.batch(torch.arange(3), "cpu")
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


def test_what_was_exported_is_read_back_exactly(trained):
    model, _ = trained
    again = narrow(export(model))
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_waking_changes_no_picture_and_lets_new_channels_learn(trained):
    model, image = trained
    model = narrow(export(model)).requires_grad_(False)  # a copy
    inner = [conv for conv in model.decoder.modules() if isinstance(conv, nn.Conv2d)]
    for conv in inner:  # as one of half the width is read
        conv.weight[conv.out_channels // 2 if conv.out_channels > 3 else 3 :] = 0
        conv.weight[:, conv.in_channels // 2 if conv.in_channels > 4 else 4 :] = 0
    latent = model.encode(image)
    before = model.decode(latent)
    wake(model.decoder)
    assert torch.equal(model.decode(latent), before)
    model.decoder.requires_grad_(True)
    (model.decode(latent) - image).square().mean().backward()
    for conv in inner[1:]:
        assert conv.weight.grad is not None
        assert conv.weight.grad[:, conv.in_channels // 2 :].abs().amax() > 0
    once = [conv.weight.clone() for conv in inner]
    wake(model.decoder)  # nothing sleeps any more
    assert all(torch.equal(conv.weight, was) for conv, was in zip(inner, once, strict=True))


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
def test_a_mask_covers_most_of_its_part(pool, part):
    _, masks = pool.batch(torch.arange(12), "cpu")
    mask = inpaint_masks(masks, torch.full((12,), part), torch.Generator().manual_seed(0))
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    shape = masks[:, :2].amax(1, True) if part == HEAD else masks[:, part : part + 1]
    for one, wanted in zip(mask, shape, strict=True):
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


def test_an_orthogonal_update_keeps_directions_and_levels_singular_values():
    matrices = torch.randn(3, 40, 70, generator=torch.Generator().manual_seed(0))
    left, before, right = torch.linalg.svd(matrices, full_matrices=False)
    inside = left.mT @ orthogonal(matrices) @ right.mT
    values = inside.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.5
    assert values.max() < 1.5
    assert before.max() / before.min() > 3
    assert (inside - torch.diag_embed(values)).abs().max() < 1e-4
    assert torch.allclose(orthogonal(matrices.mT), orthogonal(matrices).mT, atol=1e-5)


def test_muon_gets_the_matrices_and_adamw_the_rest():
    network = nn.Sequential(nn.Embedding(90, 64), nn.Conv1d(64, 64, 3), nn.Conv1d(64, 4, 1))
    muon, rest = (
        [tuple(p.shape) for group in one.param_groups for p in group["params"]]
        for one in optimisers(network, 1e-3)
    )
    assert muon == [(64, 64, 3)]
    assert sorted(rest) == [(4,), (4, 64, 1), (64,), (90, 64)]
    assert isinstance(optimisers(network, 1e-3)[0], Muon)


def _regression(seed: int = 0):
    torch.manual_seed(seed)
    network, truth = (
        nn.Sequential(nn.Linear(40, 48), nn.SiLU(), nn.Linear(48, 3)),
        torch.randn(40, 3),
    )

    def loss(draw: torch.Generator):
        x = torch.randn(16, 40, generator=draw)
        return (network(x) - x @ truth / 6).square().mean()

    return network, loss


def test_two_pieces_are_one_long_one(tmp_path):
    one, loss = _regression()
    train_piece("net", one, loss, Piece(tmp_path / "a", 60, steps=6), 1e-2)
    for _ in range(2):
        two, loss = _regression()
        piece = Piece(tmp_path / "b", 60, steps=3)
        figures = train_piece("net", two, loss, piece, 1e-2)
    assert figures["steps"] == 6
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_piece_learns_and_no_file_of_it_is_large(tmp_path):
    network, loss = _regression()
    check = torch.Generator()
    before = loss(check.manual_seed(1)).item()
    train_piece("net", network, loss, Piece(tmp_path, 60, last=0.0, steps=150), 3e-2)
    assert loss(check.manual_seed(1)).item() < before / 2
    assert not any(p.requires_grad for p in network.parameters())
    large = nn.Embedding(2500, 2500)
    piece = Piece(tmp_path, 60, steps=1)
    train_piece("large", large, lambda draw: large.weight.square().mean(), piece, 1e-3)
    files = list((tmp_path / "large").glob("*.safetensors"))
    sizes = [file.stat().st_size for file in files]
    # The weight and the optimiser's sums; one tensor is not divided, so a file holds one at most.
    assert sum(sizes) > 3 * 4 * 2500**2
    assert max(sizes) < 1.1 * 4 * 2500**2


def test_a_stitched_picture_is_one_inside_and_the_other_outside():
    image, host = torch.ones(40, 3, 32, 32), torch.zeros(40, 3, 32, 32)
    mask = torch.zeros(40, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    mixed = stitched(image, host, mask, torch.Generator().manual_seed(0))
    assert mixed[..., 12:20, 12:20].min() == 1
    assert mixed[..., :4, :].max() == 0
    hard = torch.tensor([set(one.unique().tolist()) == {0.0, 1.0} for one in mixed])
    assert 10 < int(hard.sum()) < 30  # of hard and of soft edges about as many


def test_every_second_group_ends_with_a_view_that_a_model_made():
    heads = paint_heads(4, 5, "cpu", lambda painted: torch.zeros_like(painted.image), every=2)
    black = (heads.crops == 0).flatten(3).all(3)
    expected = torch.zeros(4, 2, 3, dtype=torch.bool)
    expected[::2, :, 2] = True
    assert torch.equal(black, expected)


def test_a_probe_answers_every_question():
    seen = AttributeProbe().look(torch.rand(2, 3, 64, 64))
    assert {name: logits.shape[1] for name, logits in seen.classes.items()} == QUESTIONS
    assert seen.vector.shape == (2, 64)
    assert seen.geometry.shape == (2, 22)
