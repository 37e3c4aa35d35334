"""Model families: every name of a checkpoint finds its place, and every weight is heard."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, assemble, keys, load_backbone
from facea_core.backbone.load import empty_backbone, identify, single_file_state
from facea_core.backbone.spec import SD15, SPECS, TINY
from facea_core.composing import ComposeConfig, compose_identity
from facea_core.errors import BackboneError
from facea_core.training import TrainConfig, train_identity
from facea_core.training.cache import build_cache
from facea_core.types import Box, FaceAttributes, Part, Photo

# Stable Diffusion 1.5 with all its blocks and layers, narrow and drawn from a seed.
NARROW = replace(
    SD15,
    spec=replace(SD15.spec, resolution=64, widths={"clip_l": 32}),
    unet={**SD15.unet, "block_out_channels": (32, 64, 96, 96), "cross_attention_dim": 32},
    text={
        "clip_l": {
            **SD15.text["clip_l"],
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        }
    },
    vae={**(SD15.vae or {}), "block_out_channels": (32, 64, 96, 96)},
)


@pytest.fixture(scope="module")
def narrow() -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return empty_backbone(NARROW)


@pytest.fixture(scope="module")
def full() -> Backbone:
    """The real configuration without its memory: shapes only."""
    with torch.device("meta"):
        return empty_backbone(SD15)


def vae_name(key: str) -> str:
    """The name that the original autoencoder has for a parameter of diffusers' one."""
    levels = len(NARROW.unet["block_out_channels"])
    name = key.replace("mid_block.attentions.0", "mid.attn_1")
    for old, new in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        name = name.replace(f"attn_1.{old}.", f"attn_1.{new}.")
    name = name.replace("attn_1.group_norm", "attn_1.norm")
    for i in range(2):
        name = name.replace(f"mid_block.resnets.{i}", f"mid.block_{i + 1}")
    for i in range(levels):
        name = name.replace(f"up_blocks.{i}.", f"up.{levels - 1 - i}.")
        name = name.replace(f"down_blocks.{i}.", f"down.{i}.")
    for old, new in (
        ("resnets", "block"),
        ("downsamplers.0", "downsample"),
        ("upsamplers.0", "upsample"),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
    ):
        name = name.replace(old, new)
    return keys.VAE_PREFIX + name


def single_file(backbone: Backbone) -> dict[str, Tensor]:
    """The tensors of a backbone as a checkpoint of the original authors holds them."""
    unet = keys.invert(keys.unet_prefixes(backbone.unet.config))
    state = {
        keys.UNET_PREFIX + name: value
        for name, value in keys.rename(backbone.unet.state_dict(), unet).items()
    }
    for key, value in backbone.vae.state_dict().items():
        # Its attention is made of convolutions.
        linear = "attentions" in key and value.ndim == 2
        state[vae_name(key)] = value[..., None, None] if linear else value
    for key, value in backbone.text_encoders["clip_l"].state_dict().items():
        state[keys.TEXT_PREFIX + key.removeprefix("text_model.")] = value
    return state


def equal(module: nn.Module, state: dict[str, Tensor]) -> bool:
    own = module.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[k], state[k]) for k in own)


# Names


UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model."

KNOWN = {
    UNET + "time_embed.0.weight": (1280, 320),
    UNET + "input_blocks.0.0.weight": (320, 9, 3, 3),
    UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
    UNET + "input_blocks.3.0.op.weight": (320, 320, 3, 3),
    UNET + "input_blocks.4.0.skip_connection.weight": (640, 320, 1, 1),
    UNET + "input_blocks.11.0.emb_layers.1.weight": (1280, 1280),
    UNET + "middle_block.1.proj_in.weight": (1280, 1280, 1, 1),
    UNET + "middle_block.2.out_layers.3.weight": (1280, 1280, 3, 3),
    UNET + "output_blocks.2.1.conv.weight": (1280, 1280, 3, 3),
    UNET + "output_blocks.3.0.in_layers.2.weight": (1280, 2560, 3, 3),
    UNET + "output_blocks.5.2.conv.weight": (1280, 1280, 3, 3),
    UNET + "output_blocks.8.2.conv.weight": (640, 640, 3, 3),
    UNET + "output_blocks.11.1.transformer_blocks.0.ff.net.0.proj.weight": (2560, 320),
    UNET + "out.2.weight": (4, 320, 3, 3),
    VAE + "encoder.down.0.downsample.conv.weight": (128, 128, 3, 3),
    VAE + "encoder.down.1.block.0.nin_shortcut.weight": (256, 128, 1, 1),
    VAE + "encoder.mid.attn_1.q.weight": (512, 512, 1, 1),
    VAE + "encoder.conv_out.weight": (8, 512, 3, 3),
    VAE + "quant_conv.weight": (8, 8, 1, 1),
    VAE + "post_quant_conv.weight": (4, 4, 1, 1),
    VAE + "decoder.mid.block_2.conv1.weight": (512, 512, 3, 3),
    VAE + "decoder.up.3.upsample.conv.weight": (512, 512, 3, 3),
    VAE + "decoder.up.0.block.0.nin_shortcut.weight": (128, 256, 1, 1),
    VAE + "decoder.norm_out.weight": (128,),
    TEXT + "transformer.text_model.embeddings.token_embedding.weight": (49408, 768),
    TEXT + "transformer.text_model.embeddings.position_embedding.weight": (77, 768),
    TEXT + "transformer.text_model.encoder.layers.11.mlp.fc1.weight": (3072, 768),
}


def test_the_full_family_has_the_names_and_shapes_of_its_checkpoints(full: Backbone):
    state = single_file(full)
    shapes = {key: tuple(state[key].shape) for key in KNOWN.keys() & state.keys()}
    assert shapes == KNOWN
    counts = [sum(key.startswith(prefix) for key in state) for prefix in (UNET, VAE, TEXT)]
    assert counts == [686, 248, 196]


def test_a_whole_checkpoint_is_assembled_with_nothing_missing_or_left_over(full: Backbone):
    beside = {
        "alphas_cumprod": torch.zeros(1000),
        "model_ema.decay": torch.zeros(()),
        keys.TEXT_PREFIX + "embeddings.position_ids": torch.arange(77)[None],
    }
    with torch.device("meta"):
        assembled = assemble({**single_file(full), **beside}, "sd-v1-5-inpainting.safetensors")
    assert assembled.spec == SPECS["sd15"]
    assert assembled.unet.config.in_channels == 9


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (VAE + "decoder.up.3.upsample.conv.bias", "AutoencoderKL.*upsample"),
        (VAE, "AutoencoderKL.*248 keys missing"),
        (UNET + "output_blocks.5.2.conv.bias", "UNet2DConditionModel.*1 keys missing"),
        (TEXT + "transformer.text_model.final_layer_norm.bias", "CLIPTextModel.*1 keys missing"),
    ],
)
def test_a_checkpoint_that_lacks_something_is_refused(full: Backbone, lost: str, named: str):
    state = {key: value for key, value in single_file(full).items() if not key.startswith(lost)}
    with torch.device("meta"), pytest.raises(BackboneError, match=named):
        assemble(state, "half.safetensors")


def test_every_tensor_of_the_u_net_arrives_at_its_place(narrow: Backbone):
    state = keys.below(single_file(narrow), keys.UNET_PREFIX)
    renamed = keys.rename(state, keys.unet_prefixes(narrow.unet.config))
    assert state.keys() != renamed.keys()
    assert equal(narrow.unet, renamed)


def test_every_tensor_of_the_autoencoder_arrives_at_its_place(narrow: Backbone):
    state = single_file(narrow)
    assert state[VAE + "encoder.mid.attn_1.q.weight"].ndim == 4
    assert equal(narrow.vae, keys.kl_to_diffusers(state, narrow.vae.config))


def test_an_autoencoder_that_a_host_holds_in_half_precision_arrives_too(narrow: Backbone):
    state = {key: value.half() for key, value in single_file(narrow).items()}
    own = {key: value.half() for key, value in narrow.vae.state_dict().items()}
    found = keys.kl_to_diffusers(state, narrow.vae.config)
    assert found.keys() == own.keys()
    assert all(torch.equal(found[key], own[key]) for key in own)


# Which family


def shaped(channels: int, inputs: int, width: int) -> dict[str, Tensor]:
    """As little of a checkpoint as says which family it is."""
    with torch.device("meta"):
        return {
            keys.UNET_PREFIX + "input_blocks.0.0.weight": torch.empty(channels, inputs, 3, 3),
            keys.TEXT_PREFIX + "embeddings.token_embedding.weight": torch.empty(49408, width),
        }


def test_a_family_is_known_by_its_first_convolution_and_its_text():
    assert identify(shaped(320, 9, 768), "x") is SD15
    assert identify(shaped(64, 9, 128), "x") is TINY


@pytest.mark.parametrize(
    ("shape", "family"),
    [((320, 4, 768), "sd15"), ((320, 8, 768), "sd15"), ((64, 4, 128), "facea-tiny")],
)
def test_a_model_that_cannot_inpaint_is_refused_and_told_so(
    shape: tuple[int, int, int], family: str
):
    with pytest.raises(
        BackboneError, match=f"v1-5.ckpt is a {family} .*{shape[1]} input.*inpainting checkpoint"
    ):
        identify(shaped(*shape), "v1-5.ckpt")


@pytest.mark.parametrize("shape", [(320, 9, 1024), (320, 9, 2048), (128, 9, 768)])
def test_another_family_is_refused_with_those_that_are_known(shape: tuple[int, int, int]):
    with pytest.raises(BackboneError, match=r"not a supported.*facea-tiny, sd15"):
        identify(shaped(*shape), "x")


# Assembling


def test_assembling_is_loading_without_the_file(backbone: Backbone, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_file({k: v.contiguous() for k, v in single_file_state(backbone).items()}, path)
    state, loaded = load_file(path), load_backbone(path)
    assembled = assemble(state, "what the host holds")
    assert assembled.hash == loaded.hash == backbone.hash
    assert assembled.spec == loaded.spec
    for mine, theirs in (
        (assembled.unet, loaded.unet),
        (assembled.vae, loaded.vae),
        (assembled.text_encoders["clip_l"], loaded.text_encoders["clip_l"]),
    ):
        assert equal(mine, theirs.state_dict())
        assert not mine.training
        assert not any(parameter.requires_grad for parameter in mine.parameters())


def test_assembled_weights_are_float32_copies(backbone: Backbone):
    state = {key: value.half() for key, value in single_file_state(backbone).items()}
    assembled = assemble(state, "x")
    assert assembled.dtype == torch.float32
    before = assembled.hash
    for value in state.values():
        value.zero_()
    assert assembled.hash == before


def test_a_host_that_knows_the_prediction_better_is_heard(backbone: Backbone):
    state = single_file_state(backbone)
    plain, other = assemble(state, "x"), assemble(state, "x", prediction="epsilon")
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
        "unet": {"vae": nn.Identity(), "text_encoders": {}},
        "vae": {"unet": nn.Identity(), "text_encoders": {}},
        "text": {"unet": nn.Identity(), "vae": nn.Identity()},
    }
    alone = replace(backbone, **parts[part])
    modules = (alone.unet, alone.vae, *alone.text_encoders.values())
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


# A variational autoencoder


def picture() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_a_variational_latent_has_a_mean_and_a_deviation_in_the_scale_of_the_u_net(
    narrow: Backbone,
):
    encoded = narrow.encode_image(picture())
    with torch.no_grad():
        plain = narrow.vae.encode(picture() * 2 - 1).latent_dist
    assert encoded.mean.shape == (1, 4, 8, 8)
    assert encoded.std is not None
    assert encoded.std.min() > 0
    torch.testing.assert_close(encoded.mean, 0.18215 * plain.mean)
    torch.testing.assert_close(encoded.std, 0.18215 * plain.std)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoded.sample(noise), 0.18215 * (plain.mean + plain.std * noise))
    assert torch.equal(encoded.sample(), encoded.mean)


def test_decoding_takes_the_scale_away_again(narrow: Backbone):
    config = {**narrow.vae.config, "scaling_factor": 1.0}
    unscaled = replace(narrow, vae=type(narrow.vae).from_config(config).eval())
    unscaled.vae.load_state_dict(narrow.vae.state_dict())
    mine, theirs = narrow.encode_image(picture()).mean, unscaled.encode_image(picture()).mean
    torch.testing.assert_close(mine, 0.18215 * theirs)
    decoded = narrow.decode(mine)
    assert decoded.shape == (1, 3, 64, 64)
    assert 0 <= decoded.min() < decoded.max() <= 1
    torch.testing.assert_close(decoded, unscaled.decode(theirs))


CONFIG = TrainConfig(attributes="eyes", steps=1, batch=1, rank=1, variants=1)


def make_photo() -> Photo:
    parts = (Part("eyes", Box(24, 26, 41, 31), 0.9),)
    return Photo(picture(), FaceAttributes((64, 64), Box(20, 15, 45, 50), 0.9, parts))


def test_latents_are_drawn_anew_from_the_same_photo(narrow: Backbone):
    generator = torch.Generator().manual_seed(0)
    cache = build_cache([make_photo()], narrow, attribute_table("eyes"), CONFIG, generator)
    draws = [cache.draw(CONFIG, generator) for _ in range(2)]
    # Noise for the loss, and for both latents.
    assert draws[0].noise.shape == (3, 1, 4, 8, 8)
    row = torch.tensor([0])
    (one, _, seen), (other, _, seen_again) = (cache.gather(row, d.noise[1:]) for d in draws)
    assert not torch.equal(one, other)
    assert not torch.equal(seen, seen_again)
    latent, _, masked = cache.gather(row, torch.zeros_like(draws[0].noise[1:]))
    assert torch.equal(latent, cache.clean.mean[:1])
    assert torch.equal(masked, cache.masked.mean[:1])


def test_a_variational_family_learns_and_paints(narrow: Backbone):
    identity = train_identity([make_photo()], narrow, CONFIG)
    assert identity.meta.family == "sd15"
    assert identity.words[0].vectors["clip_l"].shape == (1, 32)
    assert all(weights.up.isfinite().all() for weights in identity.lora.values())
    assert any(weights.up.any() for weights in identity.lora.values())
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    made = compose_identity(
        picture(), [(mask, identity)], narrow, ComposeConfig(steps=1, cfg=1.0), identity.meta.prompt
    )
    assert made.image.isfinite().all()
    assert (made.image != picture())[..., 30:34, 30:34].any()
    assert torch.equal(made.image[..., 50:], picture()[..., 50:])
