"""Sliders: what is learned, what the file holds, and what a strength does."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.errors import (
    BackboneMismatchError,
    ConfigError,
    IdentityFormatError,
    StateError,
    TrainingError,
)
from facea_core.identity.adapters import merged_lora
from facea_core.identity.described import may_be_identity
from facea_core.identity.stated import lora_keys
from facea_core.sliders import (
    Slider,
    SliderConfig,
    find_slider,
    read_lora,
    save_slider,
    slider_layers,
    slider_path,
    train_slider,
)

from ..narrow import quick

SMALL = SliderConfig.for_family(
    "facea-tiny", steps=6, batch=2, paintings=2, levels=2, lora_lr=3e-3, report_every=1
)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """The miniature at half of its resolution: the same laws in less time."""
    return quick(random_backbone(0), 64)


@pytest.fixture(scope="module")
def learned(backbone: Backbone) -> tuple[Slider, list[float]]:
    """A slider, and its losses."""
    losses: list[float] = []
    return train_slider(backbone, SMALL, on_step=lambda at: losses.append(at.loss)), losses


@pytest.fixture
def slider(learned: tuple[Slider, list[float]]) -> Slider:
    return learned[0]


def answer(backbone: Backbone) -> torch.Tensor:
    """What the U-Net says of one noisy latent."""
    generator = torch.Generator().manual_seed(3)
    noisy, masked = torch.randn(2, 1, 4, 8, 8, generator=generator)
    context = backbone.text.encode([SMALL.neutral])
    with torch.no_grad():
        at = torch.tensor([500])
        return backbone.predict(noisy, at, context, torch.ones(1, 1, 8, 8), masked)


def test_it_learns_what_lies_between_the_prompts(learned: tuple[Slider, list[float]]):
    _, losses = learned
    assert losses[0] == pytest.approx(1, abs=0.5)
    assert losses[-1] < losses[0]


def test_at_strength_0_the_model_is_bit_for_bit_itself(backbone: Backbone, slider: Slider):
    before = answer(backbone)
    with merged_lora(backbone.unet, slider.lora, 0):
        assert torch.equal(answer(backbone), before)
    with merged_lora(backbone.unet, slider.lora, 1):
        assert not torch.equal(answer(backbone), before)
    assert torch.equal(answer(backbone), before)


def test_the_sign_turns_the_change_around_to_first_order(backbone: Backbone, slider: Slider):
    before, changes = answer(backbone), []
    for strength in (0.05, -0.05):
        with merged_lora(backbone.unet, slider.lora, strength):
            changes.append(answer(backbone) - before)
    up, down = changes
    assert (up + down).norm() < 0.1 * up.norm()


def test_same_seed_same_numbers_also_when_it_was_stopped(
    backbone: Backbone, slider: Slider, tmp_path: Path
):
    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_slider(backbone, SMALL, on_tick=stop, run_dir=tmp_path)
    again = train_slider(backbone, SMALL, run_dir=tmp_path, resume=True)
    for layer, weights in slider.lora.items():
        assert torch.equal(weights.up, again.lora[layer].up)
    with pytest.raises(StateError, match="guidance"):
        train_slider(backbone, replace(SMALL, guidance=3.0), run_dir=tmp_path, resume=True)


def test_resume_needs_a_directory(backbone: Backbone):
    with pytest.raises(TrainingError, match="run directory"):
        train_slider(backbone, SMALL, resume=True)


def test_cross_attention_is_left_alone(slider: Slider):
    assert not [layer for layer in slider.lora if "attn2" in layer]
    assert [layer for layer in slider.lora if "attn1" in layer]


def test_the_file_is_a_plain_lora(slider: Slider, backbone: Backbone, tmp_path: Path):
    path = tmp_path / "grey.safetensors"
    save_slider(slider, path)
    with safe_open(path, "pt") as file:
        keys, metadata = set(file.keys()), file.metadata()
        assert keys == {key for layer in slider.lora for key in lora_keys(layer)}
        assert float(file.get_tensor(next(k for k in keys if k.endswith(".alpha")))) == 1
    assert metadata["ss_network_dim"] == "4"
    assert not may_be_identity(path)
    back = slider_layers(read_lora(path), backbone.unet)
    assert back.keys() == slider.lora.keys()
    assert all(torch.equal(back[k].down, slider.lora[k].down) for k in back)


def test_it_is_found_again_and_nothing_is_written_over(slider: Slider, tmp_path: Path):
    origin = slider.origin
    assert find_slider(tmp_path, "grey", origin) is None
    path = slider_path(tmp_path, "grey", origin)
    assert path.name == "grey.safetensors"
    save_slider(slider, path)
    assert find_slider(tmp_path, "grey", origin) == path
    other = replace(origin, backbone="another")
    assert find_slider(tmp_path, "grey", other) is None
    assert slider_path(tmp_path, "grey", other) != path


def test_a_lora_of_another_model_is_refused(slider: Slider, backbone: Backbone):
    weights = next(iter(slider.lora.values()))
    with pytest.raises(BackboneMismatchError, match="lora_unet_else"):
        slider_layers({"lora_unet_else": weights}, backbone.unet)


def test_a_file_that_is_no_plain_lora_is_refused(tmp_path: Path):
    path = tmp_path / "text.safetensors"
    save_file({"lora_te_x.lora_down.weight": torch.ones(1, 1)}, path)
    with pytest.raises(IdentityFormatError, match="damaged"):
        read_lora(path)
    save_file({"x": torch.ones(1)}, path)
    with pytest.raises(IdentityFormatError, match="no plain LoRA"):
        read_lora(path)


def test_prompts_that_say_the_same_are_refused(backbone: Backbone):
    with pytest.raises(ConfigError, match="say the same"):
        replace(SMALL, positive="a man", negative="a man")
    with pytest.raises(ConfigError, match="alike"):
        train_slider(backbone, replace(SMALL, positive="a man ", negative="a man"))
