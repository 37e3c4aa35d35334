"""Loading, prompts, and the algebra of noise."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from facea_core.backbone import Backbone, latent_mask, load_backbone, masked_image
from facea_core.backbone.load import random_backbone, single_file_state
from facea_core.backbone.prompts import placeholders, spaced
from facea_core.errors import AssetError, BackboneError, ConfigError


@pytest.fixture
def checkpoint(backbone, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({k: v.contiguous() for k, v in single_file_state(backbone).items()}, path)
    return path


def states(backbone: Backbone) -> dict[str, torch.Tensor]:
    parts = {"unet": backbone.unet, "vae": backbone.vae, **backbone.text.encoders}
    return {f"{n}.{k}": v for n, m in parts.items() for k, v in m.state_dict().items()}


def test_what_is_written_is_read_back_bit_for_bit(backbone, checkpoint):
    loaded = states(load_backbone(checkpoint))
    for key, value in states(backbone).items():
        assert torch.equal(value, loaded[key]), key


def test_a_file_has_only_single_file_names(checkpoint):
    prefixes = ("model.diffusion_model.", "first_stage_model.taesd_", "cond_stage_model.")
    assert all(key.startswith(prefixes) for key in load_file(checkpoint))


def test_the_hash_follows_the_weights_and_not_the_dtype(backbone, checkpoint):
    assert load_backbone(checkpoint, dtype=torch.float16).hash == backbone.hash
    assert random_backbone(1).hash != backbone.hash


def test_everything_is_frozen_and_in_eval_mode(backbone):
    for module in (backbone.unet, backbone.vae, *backbone.text.encoders.values()):
        assert not module.training
        assert not any(p.requires_grad for p in module.parameters())


@pytest.mark.parametrize("change", ["missing", "extra", "first", "shape"])
def test_a_model_that_half_loads_is_refused(checkpoint, change):
    state = load_file(checkpoint)
    key = "model.diffusion_model.input_blocks.0.0.weight"
    if change == "missing":
        del state["model.diffusion_model.out.2.bias"]
    elif change == "extra":
        state["model.diffusion_model.surprise"] = torch.zeros(1)
    elif change == "shape":
        state["model.diffusion_model.out.2.bias"] = torch.zeros(7)
    else:
        state[key] = torch.zeros(320, 4, 3, 3)
    save_file(state, checkpoint)
    with pytest.raises(BackboneError, match="model.safetensors"):
        load_backbone(checkpoint)


def test_files_that_are_no_checkpoint_are_refused(checkpoint, tmp_path):
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(BackboneError, match="safetensors"):
        load_backbone(checkpoint)
    with pytest.raises(AssetError, match="does not exist"):
        load_backbone(tmp_path / "none.safetensors")


def word(fill: float, rows: int = 1) -> dict[str, torch.Tensor]:
    return {"clip_l": torch.full((rows, 128), fill, requires_grad=True)}


def test_gradient_reaches_the_word_and_not_the_token_table(backbone):
    words = {"ada/eyes": word(0.1, 2)}
    context = backbone.text.encode(["a photo of embedding:ada/eyes, smiling"], words).context
    context.square().sum().backward()
    assert words["ada/eyes"]["clip_l"].grad.abs().min() > 0
    table = backbone.text.encoders["clip_l"].get_input_embeddings().weight
    assert table.grad is None


def test_a_word_with_the_rows_of_a_token_reads_like_the_token(backbone):
    tokenizer = backbone.text.tokenizers["clip_l"]
    ids = tokenizer("eyes", add_special_tokens=False).input_ids
    table = backbone.text.encoders["clip_l"].get_input_embeddings().weight
    words = {"ada/eyes": {"clip_l": table[ids]}}
    spelled = backbone.text.encode(["a photo of embedding:ada/eyes of a man"], words).context
    plain = backbone.text.encode(["a photo of eyes of a man"]).context
    assert torch.equal(spelled, plain)


def test_prompts_of_one_batch_do_not_mix(backbone):
    words = {"ada/eyes": word(0.1), "bob/eyes": word(-0.4)}
    prompts = ["a embedding:ada/eyes", "a embedding:bob/eyes b", "", "long words " * 40]
    together = backbone.text.encode(prompts, words).context
    for row, prompt in zip(together, prompts, strict=True):
        alone = backbone.text.encode([prompt], words).context[0]
        assert torch.allclose(row[: len(alone)], alone, atol=1e-5)


def test_a_long_prompt_becomes_whole_chunks(backbone):
    room = backbone.spec.max_tokens
    assert backbone.text.encode(["man " * (room - 2)]).context.shape[1] == room
    assert backbone.text.encode(["man " * (room - 1)]).context.shape[1] == 2 * room


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("photo,embedding:x", "photo, embedding:x"),
        ("embedding:ada/eyes, smiling", "embedding:ada/eyes , smiling"),
        ("(embedding:a/eyes:1.2) b", "( embedding:a/eyes :1.2) b"),
        ("embedding:a/eyes-2 embedding:b.pt", "embedding:a/eyes-2 embedding:b.pt"),
        ("a\nembedding:x\n", "a embedding:x"),
        ("a photo of a man", "a photo of a man"),
        ("", ""),
    ],
)
def test_a_word_stands_between_spaces_and_is_itself_untouched(prompt, wanted):
    assert spaced(prompt) == wanted
    assert spaced(wanted) == wanted
    assert placeholders(wanted) == placeholders(prompt)
    assert wanted.replace(" ", "") == "".join(prompt.split())


def test_an_unknown_word_is_named_with_the_known_ones(backbone):
    with pytest.raises(ConfigError, match=r"bob/eyes.*ada/eyes"):
        backbone.text.encode(["a photo of embedding:bob/eyes"], {"ada/eyes": word(0.0)})


def test_a_hook_is_gone_after_an_error(backbone):
    words = {"ada/eyes": {"clip_l": torch.zeros(1, 7)}}
    with pytest.raises(RuntimeError):
        backbone.text.encode(["embedding:ada/eyes"], words)
    assert not backbone.text.encoders["clip_l"].get_input_embeddings()._forward_hooks


def test_the_latent_mask_is_hard_and_of_latent_size():
    mask = torch.rand(2, 1, 64, 48, generator=torch.Generator().manual_seed(0))
    small = latent_mask(mask)
    assert small.shape == (2, 1, 8, 6)
    assert set(small.unique().tolist()) <= {0.0, 1.0}
    half = torch.zeros(1, 1, 64, 64)
    half[..., 32:] = 1
    assert torch.equal(latent_mask(half), half[..., ::8, ::8])


def test_the_hole_is_grey_and_the_rest_untouched():
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 0.9
    out = masked_image(image, mask)
    assert (out[..., :8] == 0.5).all()
    assert torch.allclose(out[..., 8:], image[..., 8:], atol=1e-7)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_target_stands_for_the_clean_latent(backbone, prediction):
    from dataclasses import replace

    backbone = replace(backbone, spec=replace(backbone.spec, prediction=prediction))
    generator = torch.Generator().manual_seed(0)
    latent, noise = torch.randn(2, 3, 4, 8, 8, generator=generator)
    timestep = torch.tensor([0, 400, 999])
    noisy = backbone.add_noise(latent, noise, timestep)
    target = backbone.target(latent, noise, timestep)
    assert torch.allclose(backbone.to_x0(target, noisy, timestep), latent, atol=2e-4)
