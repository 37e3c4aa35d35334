"""ControlNets on disk: both layouts, every family, and what is refused."""

import pytest
import torch

from facea_core.backbone import load_control
from facea_core.backbone.control import empty_control, original_state
from facea_core.backbone.load import random_backbone
from facea_core.errors import AssetError, BackboneError

from ...controls import random_control, write
from ...layouts import FAMILY, published, shapes_of, write_hollow


@pytest.fixture(scope="module")
def tiny():
    return random_backbone(0)


@pytest.fixture(scope="module")
def network():
    return random_control()


def answer(control):
    draw = torch.Generator().manual_seed(0)
    noisy, context = torch.randn(1, 4, 8, 8, generator=draw), torch.randn(1, 5, 128, generator=draw)
    hint = torch.rand(1, 3, 64, 64, generator=draw)
    made = control.residuals(noisy, torch.tensor([500]), context, None, control.embed(hint))
    return torch.cat([one.flatten() for one in (*made.down, made.middle)])


def test_all_layouts_are_the_same_network(tiny, network, tmp_path):
    original = original_state(network)
    bare = {key.removeprefix("control_model."): value for key, value in original.items()}
    answers = [
        answer(load_control(write(tmp_path / f"{i}.safetensors", state), tiny))
        for i, state in enumerate((original, bare, network.state_dict()))
    ]
    assert answers[0].abs().max() > 0.1
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


@pytest.mark.parametrize("layout", ["original", "diffusers"])
@pytest.mark.parametrize("name", FAMILY)
def test_one_of_real_size_is_read_and_fits_only_its_family(name, layout, tiny, tmp_path):
    with torch.device("meta"):
        network = empty_control(FAMILY[name])
    state = original_state(network) if layout == "original" else network.state_dict()
    path = write_hollow(tmp_path / "control.safetensors", shapes_of(state))
    read = load_control(path, published(name))
    assert read.family == name
    with pytest.raises(BackboneError, match=f"of {name} and the model is facea-tiny; give one of"):
        load_control(path, tiny)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {k: v for k, v in s.items() if "zero_convs.2" not in k}, "2 tensors missing"),
        (lambda s: {**s, "control_model.task_embedding": torch.zeros(6)}, "1 tensors left over"),
        (
            lambda s: {**s, "control_model.middle_block_out.0.bias": torch.zeros(3)},
            "1 tensors of another shape .*controlnet_mid_block.bias",
        ),
    ],
)
def test_what_does_not_fit_wholly_is_refused(tiny, network, tmp_path, change, said):
    path = write(tmp_path / "odd.safetensors", change(original_state(network)))
    with pytest.raises(BackboneError, match=said):
        load_control(path, tiny)


def test_what_is_no_controlnet_says_what_it_is(tiny, tmp_path):
    with pytest.raises(AssetError, match="does not exist"):
        load_control(tmp_path / "none.safetensors", tiny)
    path = write(tmp_path / "lora.safetensors", {"lora_unet_a.lora_up.weight": torch.zeros(4, 4)})
    with pytest.raises(BackboneError, match="is a LoRA; give a ControlNet of facea-tiny"):
        load_control(path, tiny)
    union = {"control_model.input_hint_block.0.weight": torch.zeros(4, 4)}
    with pytest.raises(BackboneError, match="is a ControlNet of a kind that FaceA does not read"):
        load_control(write(tmp_path / "union.safetensors", union), tiny)
