"""What facea-tiny-control learns from; what it learned is scored by the recipe."""

import pytest
import torch

from facea_core.backbone import load_backbone
from facea_core.backbone.control import empty_control, original_state
from facea_core.backbone.spec import TINY
from facea_core.seeds import seeded
from facea_core.synthetic.render import PARTS
from pretraining.control import (
    EMPTY,
    control_loss,
    draw_hints,
    encode_hints,
    score_control,
    start_control,
)
from pretraining.dataset import paint_pool
from pretraining.train import Piece


@pytest.fixture(scope="module")
def tiny():
    return load_backbone("tiny")


@pytest.fixture(scope="module")
def data(tiny, tmp_path_factory):
    return encode_hints(4, 3, tiny, Piece(tmp_path_factory.mktemp("piece")))


def test_lines_lie_on_the_rims_of_parts_and_some_hints_are_empty():
    image, masks = paint_pool(100, 1, 5).batch(torch.arange(100), "cpu")
    hint = draw_hints(image * 0 + 0.5, masks, seeded(0))  # without a backdrop
    assert hint.shape == (100, 1, 128, 128)
    assert 0 <= hint.min() <= hint.max() <= 1
    empty = (hint.amax(dim=(1, 2, 3)) == 0).float().mean()
    assert 0 < empty < 4 * EMPTY
    # Beyond the head's box, and a few pixels, there is nothing.
    head = masks[:, [PARTS.index("face"), PARTS.index("hair")]].amax(dim=1, keepdim=True) > 0.5
    box = head.any(dim=2, keepdim=True) & head.any(dim=3, keepdim=True)
    far = torch.nn.functional.max_pool2d(box.float(), 11, 1, 5) == 0
    assert hint[far].max() == 0
    assert 0.02 < hint.mean() < 0.2


def test_it_starts_as_the_u_net_and_changes_nothing(tiny, data, tmp_path):
    network, piece = start_control(tiny), Piece(tmp_path)
    score = score_control(network, tiny, piece, 4)
    assert score["loss_hinted"] == pytest.approx(score["loss_unhinted"])
    mine, theirs = (one.down_blocks.state_dict() for one in (network, tiny.unet))
    assert all(torch.equal(mine[key], value) for key, value in theirs.items())


def test_all_of_it_learns_once_its_zeros_have_moved(tiny, data, tmp_path):
    network = start_control(tiny)
    with torch.no_grad():
        for value in network.parameters():
            if not value.any():
                value.normal_(std=0.02)
    network.requires_grad_(True)
    control_loss(network, tiny, data, Piece(tmp_path, batch=2))(seeded(0)).backward()
    unmoved = [name for name, p in network.named_parameters() if p.grad is None]
    assert unmoved == []
    assert all(p.grad is None for p in tiny.unet.parameters())


def test_the_published_file_has_the_names_and_shapes_of_the_original_layout():
    with torch.device("meta"):
        names = original_state(empty_control(TINY))
    assert all(name.startswith("control_model.") for name in names)
    assert names["control_model.input_hint_block.14.weight"].shape == (64, 256, 3, 3)
    assert names["control_model.zero_convs.5.0.weight"].shape == (128, 128, 1, 1)
    assert not any("controlnet" in name or "down_blocks" in name for name in names)
