"""A model that a host holds becomes a backbone, and every weight counts in its hash."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from facea_core.backbone import Backbone, assemble, load_backbone
from facea_core.backbone.load import single_file_state
from facea_core.backbone.parts import split
from facea_core.backbone.spec import TINY

from .modules import equal, parameters


def test_assembling_is_loading_without_the_file(backbone: Backbone, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_file({k: v.contiguous() for k, v in single_file_state(backbone).items()}, path)
    state, loaded = load_file(path), load_backbone(path)
    assembled = assemble(split(state), "what the host holds")
    assert assembled.hash == loaded.hash == backbone.hash
    assert assembled.spec == loaded.spec
    for mine, theirs in (
        (assembled.unet, loaded.unet),
        (assembled.vae, loaded.vae),
        (assembled.text.encoders["clip_l"], loaded.text.encoders["clip_l"]),
    ):
        assert equal(mine, theirs.state_dict())
        assert not mine.training
        assert not any(parameter.requires_grad for parameter in mine.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_assembled_weights_are_copies_in_the_dtype_asked_for(backbone: Backbone, dtype):
    state = {key: value.half() for key, value in single_file_state(backbone).items()}
    assembled = assemble(split(state), "x", dtype=dtype)
    assert {parameter.dtype for parameter in parameters(assembled)} == {dtype}
    before = assembled.hash
    for value in state.values():
        value.zero_()
    assert assembled.hash == before


def test_nothing_that_was_built_without_memory_stays_so(backbone: Backbone):
    assembled = assemble(split(single_file_state(backbone)), "x")
    for module in (assembled.unet, assembled.vae, *assembled.text.encoders.values()):
        for tensor in (*module.parameters(), *module.buffers()):
            assert tensor.device.type == "cpu"
    prompt = ["a photo of a man"]
    mine, theirs = assembled.text.encode(prompt), backbone.text.encode(prompt)
    assert torch.equal(mine.context, theirs.context)


def test_a_host_that_knows_the_prediction_better_is_heard(backbone: Backbone):
    parts = split(single_file_state(backbone))
    plain, other = assemble(parts, "x"), assemble(parts, "x", prediction="epsilon")
    assert plain.spec == TINY.spec
    assert other.spec == replace(TINY.spec, prediction="epsilon")
    assert other.hash != plain.hash
    noise, latent = torch.randn(2, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(other.target(latent, noise, torch.tensor([500])), noise)
    assert not torch.equal(plain.target(latent, noise, torch.tensor([500])), noise)


# The hash


@pytest.mark.parametrize("part", ["unet", "vae", "text"])
def test_any_one_tensor_that_is_scaled_changes_the_hash(backbone: Backbone, part: str):
    # One part at a time, for there are hundreds of tensors.
    parts = {
        "unet": {"vae": nn.Identity(), "text": replace(backbone.text, encoders={})},
        "vae": {"unet": nn.Identity(), "text": replace(backbone.text, encoders={})},
        "text": {"unet": nn.Identity(), "vae": nn.Identity()},
    }
    alone = replace(backbone, **parts[part])
    modules = (alone.unet, alone.vae, *alone.text.encoders.values())
    tensors = [tensor for module in modules for tensor in module.parameters()]
    generator, hashes = torch.Generator().manual_seed(0), set()
    with torch.no_grad():
        for tensor in tensors:
            tensor.normal_(generator=generator)
        before = alone.hash
        for tensor in tensors:
            kept = tensor.clone()
            tensor.mul_(1.002)
            hashes.add(alone.hash)
            tensor.copy_(kept)
    assert len(tensors) > 30
    assert len(hashes - {before}) == len(tensors)
    assert alone.hash == before
