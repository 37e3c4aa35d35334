"""The recipe on the published miniature: every stage's loss, its sheets and its repaints."""

import numpy as np
import pytest
import torch

from facea_core.backbone import load_backbone
from facea_core.composing import ComposeConfig
from facea_core.detection.painted_model import PartDetector
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.synthetic.render import PARTS, paint
from pretraining.autoencoder import (
    autoencoder_loss,
    narrow,
)
from pretraining.dataset import draw_pool, paint_pool
from pretraining.denoiser import denoiser_loss, networks
from pretraining.detector import detector_loss
from pretraining.encoder import encoder_loss, paint_heads
from pretraining.latents import FEATURE_WEIGHT, ZOOMS, encode_pictures, zoomed
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
    assert data.picture.tolist() == [0, 1, 2, 3, 0, 2]  # the last one is seen from near
    for weight, picture in zip(data.weight[:-1, 0].float(), data.picture[:-1], strict=True):
        assert torch.allclose(weight, 1 + (FEATURE_WEIGHT - 1) * blocks[picture], atol=2e-3)


def test_a_part_seen_from_near_is_cut_from_a_larger_painting():
    people, scenes = draw_pool(6, 1, 3)
    part = torch.tensor([PARTS.index("nose")] * 6)
    image, masks = zoomed(people, scenes, part, torch.Generator().manual_seed(1), "cpu")
    assert image.shape == (6, 3, 128, 128)
    assert masks.shape == (6, len(PARTS), 128, 128)
    usual = paint(people, scenes).masks["nose"].flatten(1).sum(1)
    larger = masks[:, PARTS.index("nose")].flatten(1).sum(1) / usual
    zoom = next(zoom for zoom in ZOOMS if abs(float(larger.mean()) - zoom**2) < 0.1 * zoom**2)
    whole = paint(people, scenes, int(zoom * 128)).image
    for one, wide in zip(image, whole, strict=True):
        windows = wide.unfold(1, 128, 1).unfold(2, 128, 1)
        corners = (windows[..., 0, 0] == one[:, :1, :1]).all(0).nonzero()
        assert any(torch.equal(windows[:, y, x], one) for y, x in corners.tolist())


def test_every_stage_has_a_gradient_for_every_weight(pool, tmp_path):
    """Without one, a weight would be pre-trained by nobody."""
    piece = Piece(tmp_path, batch=2)
    backbone = load_backbone("tiny")
    autoencoder, probe = narrow(backbone.vae).requires_grad_(True), AttributeProbe()
    data, said = encode_pictures(6, 3, autoencoder, piece)
    assert len(data) == 9
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
