"""The recipe on the published miniature: every stage's loss, its sheets and its repaints."""

import numpy as np
import pytest
import torch

from facea_core.backbone import load_backbone
from facea_core.composing import ComposeConfig
from facea_core.detection.painted_model import PartDetector
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.synthetic.render import paint
from pretraining.autoencoder import (
    autoencoder_loss,
    narrow,
)
from pretraining.dataset import draw_pool, paint_pool
from pretraining.denoiser import denoiser_loss, networks
from pretraining.detector import detector_loss
from pretraining.encoder import encoder_loss, paint_heads
from pretraining.latents import FEATURE_WEIGHT, encode_pictures
from pretraining.repaint import NEAR, head_masks, reconstruct, repaint
from pretraining.score import UNSEEN
from pretraining.sheets import reconstruction_sheet
from pretraining.train import Piece


@pytest.fixture(scope="module")
def pool():
    return paint_pool(6, 2, 11)


def test_latents_that_show_features_count_more_and_no_others(tmp_path):
    model = narrow(load_backbone("tiny").vae)
    data, _ = encode_pictures(4, 3, model, Piece(tmp_path))
    assert data.weight.shape == data.mask.shape
    assert data.weight.min() == 1
    assert data.weight.amax(dim=(1, 2, 3)).eq(FEATURE_WEIGHT).all()
    people, scenes = draw_pool(4, 1, 3)
    masks = paint(people, scenes).masks
    shown = torch.cat([masks[part] for part in ("eyebrows", "eyes", "mouth")], 1).amax(1)
    blocks = shown.unfold(1, 8, 8).unfold(2, 8, 8).amax((3, 4))
    for weight, picture in zip(data.weight[:, 0].float(), data.picture, strict=True):
        assert torch.allclose(weight, 1 + (FEATURE_WEIGHT - 1) * blocks[picture], atol=2e-3)


def test_every_stage_has_a_gradient_for_every_weight(pool, tmp_path):
    """Without one, a weight would be pre-trained by nobody."""
    piece = Piece(tmp_path, batch=2)
    backbone = load_backbone("tiny")
    autoencoder, probe = narrow(backbone.vae).requires_grad_(True), AttributeProbe()
    data, said = encode_pictures(6, 3, autoencoder, piece)
    assert len(data) == 8
    assert len(said) == 6
    network = networks(backbone).requires_grad_(True)
    heads = paint_heads(2, 5, "cpu", lambda painted: reconstruct(backbone, painted))
    detector = PartDetector()
    for model, loss in (
        (autoencoder, autoencoder_loss(autoencoder, pool, piece)),
        (network, denoiser_loss(backbone, said, data, piece)),
        (detector, detector_loss(detector, pool, piece)),
        (probe, encoder_loss(probe, heads, piece)),
    ):
        value = loss(torch.Generator().manual_seed(0))
        value.backward()
        assert torch.isfinite(value)
        without = [n for n, p in model.named_parameters() if p.grad is None]
        assert not without, without


def test_a_sheet_shows_paintings_over_what_latents_keep_of_them():
    sheet = reconstruction_sheet(load_backbone("tiny"), 2)
    first, second = (
        torch.from_numpy(np.array(sheet)[i : i + 128, 1:129]).float() / 255 for i in (1, 131)
    )
    assert torch.equal(first, (paint(*draw_pool(2, 1, UNSEEN + 1)).image[0].movedim(0, -1) * 255)
                       .round() / 255)  # fmt: skip
    assert 0 < (first - second).abs().mean() < 0.05


def test_a_repaint_changes_the_mask_and_a_near_one_less(pool):
    backbone = load_backbone("tiny")
    painted = paint(pool.people[:1], pool.scenes[:1])
    mask = head_masks(painted, 0)
    far, near = (
        repaint(backbone, painted.image, mask, painted.captions, config, 0)
        for config in (ComposeConfig(steps=2, cfg=1.0), NEAR)
    )
    assert far.shape == near.shape == painted.image.shape
    difference = [(one - painted.image).abs().mean().item() for one in (near, far)]
    assert difference[0] < difference[1]
    assert torch.equal(reconstruct(backbone, painted), reconstruct(backbone, painted))
