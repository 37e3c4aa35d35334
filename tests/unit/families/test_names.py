"""Every name of a checkpoint finds its place, and its family is known by it."""

import re

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone, Parts, assemble, keys
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.parts import identify, split
from facea_core.backbone.spec import FAMILIES, SD2, SD15, SDXL, SPECS, TINY, Family
from facea_core.errors import BackboneError

from ...layouts import single_file, text_states
from ...narrow import narrow_family
from .modules import FULL, equal, parameters

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


# SD1.5's, SD2's and SDXL's published files: U-Net, autoencoder, text without what nobody reads.
COUNTS = {"sd15": (686, 248, 196), "sd2": (686, 248, 23 * 12 + 4), "sdxl": (1680, 248, 180 + 389)}

FEW = {
    "sd15": KNOWN,
    "sd2": {
        UNET + "input_blocks.1.1.proj_in.weight": (320, 320),
        UNET + "output_blocks.11.1.transformer_blocks.0.attn2.to_v.weight": (320, 1024),
        TEXT + "model.positional_embedding": (77, 1024),
        TEXT + "model.transformer.resblocks.22.attn.in_proj_weight": (3072, 1024),
        TEXT + "model.transformer.resblocks.22.mlp.c_fc.bias": (4096,),
        TEXT + "model.ln_final.weight": (1024,),
    },
    "sdxl": {
        UNET + "label_emb.0.0.weight": (1280, 2816),
        UNET + "input_blocks.4.1.transformer_blocks.1.attn2.to_k.weight": (640, 2048),
        UNET + "middle_block.1.transformer_blocks.9.ff.net.0.proj.weight": (10240, 1280),
        UNET + "output_blocks.5.2.conv.weight": (640, 640, 3, 3),
        UNET + "output_blocks.8.0.skip_connection.weight": (320, 640, 1, 1),
        VAE + "decoder.up.0.block.0.nin_shortcut.weight": (128, 256, 1, 1),
        "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias": (768,),
        "conditioner.embedders.1.model.transformer.resblocks.31.ln_2.weight": (1280,),
        "conditioner.embedders.1.model.text_projection": (1280, 1280),
    },
}


@pytest.mark.parametrize("name", FULL)
def test_a_family_has_the_names_and_shapes_of_its_checkpoints(full, name: str):
    state, few = single_file(full[name]), FEW[name]
    assert {key: tuple(state[key].shape) for key in few.keys() & state.keys()} == few
    prefixes = (UNET, VAE, (TEXT, "conditioner."))
    assert tuple(sum(key.startswith(p) for key in state) for p in prefixes) == COUNTS[name]


EXTRAS = {
    "sd15": ["cond_stage_model.transformer.text_model.embeddings.position_ids"],
    "sd2": [
        "cond_stage_model.model.logit_scale",
        "cond_stage_model.model.text_projection",
        "cond_stage_model.model.text_projection",
        "cond_stage_model.model.transformer.resblocks.23.mlp.c_proj.bias",
    ],
    "sdxl": [
        "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
        "conditioner.embedders.0.transformer.text_model.encoder.layers.11.layer_norm1.bias",
        "conditioner.embedders.1.model.logit_scale",
        "denoiser.sigmas",
    ],
}
TRAINING = ["betas", "alphas_cumprod_prev", "log_one_minus_alphas_cumprod", "model_ema.decay",
            "sqrt_recipm1_alphas_cumprod", "posterior_log_variance_clipped"]  # fmt: skip


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("channels", [9, 4])
def test_a_whole_checkpoint_is_assembled_with_nothing_missing_or_left_over(
    full, name: str, channels: int
):
    state = single_file(full[name])
    first = UNET + "input_blocks.0.0.weight"
    state[first] = state[first][:, :channels]
    state |= {key: torch.zeros(1, 1) for key in (*EXTRAS[name], *TRAINING)}
    assembled = assemble(split(state), f"{name}.safetensors", "meta")
    assert assembled.spec == FULL[name].variant(channels == 9)
    assert assembled.spec.inpainting == (channels == 9)
    assert assembled.unet.config["in_channels"] == channels
    for mine, theirs in zip(parameters(assembled), parameters(full[name]), strict=True):
        assert mine.shape == theirs.shape or channels == 4


@pytest.mark.parametrize(
    ("name", "lost", "named"),
    [
        ("sd15", VAE + "decoder.up.3.upsample.conv.bias", "AutoencoderKL.*upsample"),
        ("sd15", VAE + "decoder.conv_in.bias", "AutoencoderKL.*decoder.conv_in.bias"),
        ("sd15", VAE, "without its VAE; give a whole checkpoint"),
        ("sd15", TEXT, "without its text encoder; give a whole checkpoint"),
        ("sdxl", "conditioner.", "without its pair of text encoders"),
        ("sd15", UNET + "output_blocks.5.2.conv.bias", "UNet2DConditionModel.*1 keys missing"),
        ("sd15", TEXT + "transformer.text_model.final_layer_norm.bias", "CLIPText.*1 keys missing"),
        ("sd2", TEXT + "model.transformer.resblocks.7.ln_1.bias", "CLIPText.*1 keys missing"),
        ("sdxl", "conditioner.embedders.1.model.text_projection", "CLIPText.*text_projection"),
    ],
)
def test_a_checkpoint_that_lacks_something_is_refused(full, name: str, lost: str, named: str):
    state = {k: v for k, v in single_file(full[name]).items() if not k.startswith(lost)}
    with pytest.raises(BackboneError, match=named):
        assemble(split(state), "half.safetensors", "meta")


def test_a_u_net_with_something_unknown_is_refused(full):
    state = {**single_file(full["sdxl"]), UNET + "surprise": torch.zeros(1)}
    with pytest.raises(BackboneError, match=r"UNet2DConditionModel.*1 left over.*surprise"):
        assemble(split(state), "more.safetensors", "meta")


@pytest.mark.parametrize(
    "surprise",
    [
        VAE + "surprise",
        VAE + "encoder.mid.attn_1.surprise",
        "conditioner.embedders.0.transformer.text_model.surprise",
        "conditioner.embedders.1.model.surprise",
        "control_model.surprise",
        "surprise",
    ],
)
def test_something_unknown_elsewhere_is_passed_over_with_a_note(full, surprise: str):
    state = {**single_file(full["sdxl"]), surprise: torch.zeros(1)}
    (note,) = assemble(split(state), "more.safetensors", "meta").notes
    assert re.fullmatch(r"more.safetensors holds tensors .*passed over: 1 .*surprise\)", note)


def test_every_tensor_of_the_u_net_arrives_at_its_place(narrow: Backbone):
    state = keys.below(single_file(narrow), keys.UNET_PREFIX)
    renamed = keys.rename(state, keys.unet_prefixes(narrow.unet.config))
    assert state.keys() != renamed.keys()
    assert equal(narrow.unet, renamed)


def test_every_tensor_of_the_autoencoder_arrives_at_its_place(narrow: Backbone):
    state = single_file(narrow)
    assert state[VAE + "encoder.mid.attn_1.q.weight"].ndim == 4
    assert equal(narrow.vae, keys.vae_to_diffusers(keys.below(state, VAE), narrow.vae.config))


def test_an_autoencoder_that_a_host_holds_in_half_precision_arrives_too(narrow: Backbone):
    state = {k: v.half() for k, v in keys.below(single_file(narrow), VAE).items()}
    own = {key: value.half() for key, value in narrow.vae.state_dict().items()}
    found = keys.vae_to_diffusers(state, narrow.vae.config)
    assert found.keys() == own.keys()
    assert all(torch.equal(found[key], own[key]) for key in own)


@pytest.mark.parametrize("name", FULL)
def test_every_tensor_of_a_text_encoder_arrives_at_its_place(name: str):
    family = narrow_family(FULL[name])
    backbone = empty_backbone(family)
    states = [keys.below(text_states(backbone), prefix) for prefix in prefixes_of(name)]
    for encoder, state in zip(backbone.text.encoders.values(), states, strict=True):
        own = {k.removeprefix("text_model."): v for k, v in encoder.state_dict().items()}
        found = keys.text_to_transformers(state)
        assert found.keys() == own.keys()
        assert all(torch.equal(found[key], own[key]) for key in own)


def prefixes_of(name: str) -> tuple[str, ...]:
    sdxl, _, sd2, sd15 = keys.TEXT_PREFIXES
    return {"sdxl": sdxl, "sd2": sd2, "sd15": sd15}[name]


# Which family


def shaped(channels: int, inputs: int, width: int, added: int | None = None) -> Parts[Tensor]:
    """As little of a checkpoint as says which family it is."""
    with torch.device("meta"):
        unet = {
            "input_blocks.0.0.weight": torch.empty(channels, inputs, 3, 3),
            "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": torch.empty(channels, width),
        }
        if added is not None:
            unet["label_emb.0.0.weight"] = torch.empty(1280, added)
        some = {"weight": torch.empty(1)}
    return Parts(unet, some, (some, some) if added else (some,))


@pytest.mark.parametrize(
    ("shape", "family"),
    [
        ((320, 768), SD15),
        ((320, 1024), SD2),
        ((320, 2048, 2816), SDXL),
        ((64, 128), TINY),
    ],
)
def test_a_family_is_known_by_its_u_net(shape: tuple[int, ...], family: Family):
    channels, *more = shape
    assert identify(shaped(channels, 9, *more), "x") == (family, True)
    assert identify(shaped(channels, 4, *more), "x") == (family, False)


def test_a_model_with_other_inputs_is_refused_and_told_so():
    with pytest.raises(BackboneError, match=r"pix.ckpt is a sd15 model with 8 input.*inpainting"):
        identify(shaped(320, 8, 768), "pix.ckpt")


@pytest.mark.parametrize(
    "shape", [(320, 9, 2048), (128, 9, 768), (384, 4, 1280, 2560), (320, 4, 1024, 1536)]
)
def test_another_family_is_refused_with_those_that_are_known(shape: tuple[int, ...]):
    with pytest.raises(BackboneError, match=r"not a supported.*facea-tiny, sd15, sd2, sdxl"):
        identify(shaped(*shape), "x")


def test_every_family_has_a_spec_that_its_modules_fit(full):
    assert list(SPECS) == [family.spec.family for family in FAMILIES]
    for name, backbone in full.items():
        spec = SPECS[name]
        assert {k: e.config.hidden_size for k, e in backbone.text.encoders.items()} == spec.widths
        assert sum(spec.widths.values()) == backbone.unet.config["cross_attention_dim"]
        assert backbone.unet.config["sample_size"] * spec.latent_factor == spec.resolution
