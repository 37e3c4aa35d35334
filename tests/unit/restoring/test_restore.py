"""A photo is repaired from what it still shows, and what comes out is that photo once more."""

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone, load_backbone
from facea_core.composing import ComposeConfig, TargetFace
from facea_core.demo import draw_cast
from facea_core.errors import ConfigError
from facea_core.restoring.config import RestoreConfig
from facea_core.restoring.degrade import LEVELS, Damage, damp, degrade, enlarged
from facea_core.restoring.evidence import Evidence, held_image, held_latent, low_band
from facea_core.restoring.restore import restore_faces

SIDE = 128
BLURRED = Damage(scale=4, blur=1.5)


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    return load_backbone("tiny")


@pytest.fixture(scope="module")
def clean() -> Tensor:
    return draw_cast(3).heldout.image[:1]


def mask() -> Tensor:
    inside = torch.zeros(1, 1, SIDE, SIDE)
    inside[..., 30:110, 30:100] = 1
    return inside


def test_the_clean_picture_lacks_nothing(clean: Tensor):
    evidence = Evidence(damp(clean, BLURRED), BLURRED, (SIDE, SIDE))
    assert float(evidence.lacking(clean).abs().max()) < 1e-5
    assert evidence.consistency(clean, mask()) > 90
    assert evidence.consistency(1 - clean, mask()) < 20


def test_what_may_be_noise_says_nothing(clean: Tensor):
    noisy = Damage(scale=4, noise=20)
    evidence = Evidence(damp(clean, noisy), noisy, (SIDE, SIDE))
    assert not evidence.lacking(clean + 30 / 255).any()
    assert evidence.lacking(clean + 90 / 255).any()


@pytest.mark.parametrize("grey", [False, True])
def test_an_image_is_moved_towards_the_photo(clean: Tensor, grey: bool):
    damage = Damage(scale=4, blur=1.5, grey=grey)
    evidence = Evidence(degrade(clean, damage, 0), damage, (SIDE, SIDE))
    other = draw_cast(5).heldout.image[:1]
    found = [
        evidence.consistency(held_image(other, evidence, fidelity), mask())
        for fidelity in (0.0, 0.5, 1.0)
    ]
    assert evidence.consistency(other, mask()) < found[0] < found[1] < found[2]
    held = held_image(other, evidence, 1.0)
    assert (float((held - held[:, :1]).abs().max()) == 0) == grey


def test_latents_are_moved_towards_the_photo(tiny: Backbone, clean: Tensor):
    evidence = Evidence(damp(clean, BLURRED), BLURRED, (SIDE, SIDE))
    other = tiny.encode_image(draw_cast(5).heldout.image[:1]).sample().float()
    moved = held_latent(other, evidence, tiny, 1.0)
    before, after = (evidence.consistency(tiny.decode(one), mask()) for one in (other, moved))
    assert after > before + 3
    assert torch.equal(held_latent(other, evidence, tiny, 0.0), other)


def test_the_low_band_keeps_what_is_even_and_loses_what_is_fine():
    flat = torch.full((1, 3, 32, 48), 0.3)
    assert torch.allclose(low_band(flat, 4), flat)
    fine = (torch.arange(48) % 2).float().expand(1, 3, 32, 48)
    assert float((low_band(fine, 1) - 0.5).abs()[..., 2:-2].max()) < 1e-6
    assert torch.isfinite(low_band(torch.rand(1, 3, 3, 5), 5)).all()


@pytest.mark.parametrize("level", ["middle", "old"])
def test_only_the_mask_changes_and_fidelity_is_what_it_says(
    tiny: Backbone, clean: Tensor, level: str
):
    photo = enlarged(degrade(clean, LEVELS[level], 1), (SIDE, SIDE))
    faces = [TargetFace(mask(), prompt="a photo of a man")]
    painting = ComposeConfig(steps=4, context_factor=1.5)
    found = []
    for fidelity in (0.0, 1.0):
        made = restore_faces(
            photo, faces, tiny, RestoreConfig(fidelity=fidelity), painting, LEVELS[level]
        )
        outside = made.composition.mask == 0
        assert torch.equal(made.composition.image * outside, photo * outside)
        assert made.damages == (LEVELS[level],)
        found.append(made.consistency[0])
        if level == "old":
            colours = made.composition.image
            assert float((colours - colours[:, :1]).abs().max()) < 1 / 255
    assert found[0] < found[1]


def test_damage_is_estimated_where_it_is_not_said(tiny: Backbone, clean: Tensor):
    photo = enlarged(degrade(clean, LEVELS["severe"], 1), (SIDE, SIDE))
    faces = [TargetFace(mask(), prompt="a photo of a man")]
    made = restore_faces(photo, faces, tiny, painting=ComposeConfig(steps=2))
    assert 5 <= made.damages[0].scale <= 12


@pytest.mark.parametrize("values", [{"strength": 0.0}, {"fidelity": 1.5}])
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ConfigError):
        RestoreConfig(**values)
