"""Key names of checkpoints -> those of diffusers and transformers modules, for any SD model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIXES = (
    ("conditioner.embedders.0.", "conditioner.embedders.1.model."),  # SDXL
    ("conditioner.embedders.0.model.",),  # SD2 as generative-models writes it
    ("cond_stage_model.model.",),  # SD2
    ("cond_stage_model.",),  # SD1
)
"""Where single files keep their text encoders; the first whose prefixes all occur is meant."""

_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_OPEN_CLIP = {
    "token_embedding.": "embeddings.token_embedding.",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.": "final_layer_norm.",
}
_OPEN_CLIP_LAYER = {
    "ln_1.": "layer_norm1.",
    "ln_2.": "layer_norm2.",
    "mlp.c_fc.": "mlp.fc1.",
    "mlp.c_proj.": "mlp.fc2.",
    "attn.out_proj.": "self_attn.out_proj.",
}
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_VAE_ATTENTION = {
    **{"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"},
    **_OLD_ATTENTION,
    # As diffusers: what trainers write that convert back only the names of 2022.
    **{name: name for name in ("group_norm", "to_q", "to_k", "to_v", "to_out.0")},
}


def _resnet(single: str, module: str) -> Iterator[tuple[str, str]]:
    for old, new in _RESNET.items():
        yield f"{single}.{old}.", f"{module}.{new}."


def unet_prefixes(config: Mapping[str, Any]) -> dict[str, str]:
    """Prefix in the single file -> prefix in the diffusers U-Net, for a U-Net of this config."""
    levels = len(config["block_out_channels"])
    layers = config["layers_per_block"]
    pairs = [*_encoder(config), ("out.0.", "conv_norm_out."), ("out.2.", "conv_out.")]
    block = 0
    for level in range(levels):
        has_attention = "CrossAttn" in config["up_block_types"][level]
        for layer in range(layers + 1):
            single, module = f"output_blocks.{block}", f"up_blocks.{level}"
            pairs += _resnet(f"{single}.0", f"{module}.resnets.{layer}")
            if has_attention:
                pairs.append((f"{single}.1.", f"{module}.attentions.{layer}."))
            if layer == layers and level < levels - 1:
                # The upsampler is the last child: after the attention where there is one.
                last = 2 if has_attention else 1
                pairs.append((f"{single}.{last}.conv.", f"{module}.upsamplers.0.conv."))
            block += 1
    return dict(pairs)


def control_prefixes(config: Mapping[str, Any]) -> dict[str, str]:
    """Prefix in an original ControlNet -> prefix in the `ControlNetModel` of this config."""
    levels, hint = len(config["block_out_channels"]), "controlnet_cond_embedding"
    pairs = [*_encoder(config), ("middle_block_out.0.", "controlnet_mid_block.")]
    for i in range(levels * (config["layers_per_block"] + 1)):
        pairs.append((f"zero_convs.{i}.0.", f"controlnet_down_blocks.{i}."))
    inner = 2 * (len(config["conditioning_embedding_out_channels"]) - 1)
    # In a row with what has no weights.
    places = ("conv_in", *(f"blocks.{i}" for i in range(inner)), "conv_out")
    pairs += [(f"input_hint_block.{2 * i}.", f"{hint}.{one}.") for i, one in enumerate(places)]
    return dict(pairs)


def _encoder(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    levels = len(config["block_out_channels"])
    yield from (
        ("time_embed.0.", "time_embedding.linear_1."),
        ("time_embed.2.", "time_embedding.linear_2."),
        ("label_emb.0.0.", "add_embedding.linear_1."),
        ("label_emb.0.2.", "add_embedding.linear_2."),
        ("input_blocks.0.0.", "conv_in."),
        *_resnet("middle_block.0", "mid_block.resnets.0"),
        ("middle_block.1.", "mid_block.attentions.0."),
        *_resnet("middle_block.2", "mid_block.resnets.1"),
    )
    block = 1
    for level in range(levels):
        for layer in range(config["layers_per_block"]):
            single, module = f"input_blocks.{block}", f"down_blocks.{level}"
            yield from _resnet(f"{single}.0", f"{module}.resnets.{layer}")
            yield f"{single}.1.", f"{module}.attentions.{layer}."
            block += 1
        if level < levels - 1:
            yield f"input_blocks.{block}.0.op.", f"down_blocks.{level}.downsamplers.0.conv."
            block += 1


def rename(state: Mapping[str, T], prefixes: Mapping[str, str]) -> dict[str, T]:
    """Replace each key's longest matching prefix. Keys without one are kept as they are."""
    ordered = sorted(prefixes, key=len, reverse=True)
    out = {}
    for key, value in state.items():
        old = next((prefix for prefix in ordered if key.startswith(prefix)), "")
        out[prefixes.get(old, "") + key[len(old) :]] = value
    return out


def invert(prefixes: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in prefixes.items()}


def below(state: Mapping[str, T], prefix: str) -> dict[str, T]:
    """The tensors under `prefix`, with the prefix taken off."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def unet_to_diffusers(state: Mapping[str, T], config: Mapping[str, Any]) -> dict[str, T]:
    """A U-Net of either layout -> `UNet2DConditionModel` of this config."""
    if "conv_in.weight" in state:
        return dict(state)
    return rename(state, unet_prefixes(config))


def vae_prefixes(config: Mapping[str, Any]) -> dict[str, str]:
    """Prefix in the single file -> prefix in the diffusers autoencoder of this config."""
    levels, layers = len(config["block_out_channels"]), config["layers_per_block"]
    pairs = []
    for half, way in (("encoder", "down"), ("decoder", "up")):
        for level in range(levels):
            single = f"{half}.{way}.{level}"
            # The decoder of the single file counts from the image, diffusers' from the latent.
            place = level if way == "down" else levels - 1 - level
            module = f"{half}.{way}_blocks.{place}"
            for layer in range(layers + (way == "up")):
                block, resnet = f"{single}.block.{layer}.", f"{module}.resnets.{layer}."
                pairs += [(block, resnet), (f"{block}nin_shortcut.", f"{resnet}conv_shortcut.")]
            pairs.append((f"{single}.{way}sample.", f"{module}.{way}samplers.0."))
        for layer in range(2):
            pairs.append((f"{half}.mid.block_{layer + 1}.", f"{half}.mid_block.resnets.{layer}."))
        for old, new in _VAE_ATTENTION.items():
            attention = f"{half}.mid_block.attentions.0.{new}."
            pairs.append((f"{half}.mid.attn_1.{old}.", attention))
        pairs.append((f"{half}.norm_out.", f"{half}.conv_norm_out."))
    return dict(pairs)


def vae_to_diffusers(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """An autoencoder of any layout -> `AutoencoderKL` of this config, or `AutoencoderTiny`."""
    if any(key.startswith("taesd_") for key in state):
        return _taesd_to_diffusers(state)
    if any(".down_blocks." in key for key in state):
        return {_newer_attention(key): value for key, value in state.items()}
    if "layers_per_block" not in config:
        return dict(state)
    out = rename(state, vae_prefixes(config))
    # The single file's attention is made of convolutions of 1x1.
    return {k: v[..., 0, 0] if ".attentions." in k and v.ndim == 4 else v for k, v in out.items()}


def _newer_attention(key: str) -> str:
    """Folders published in 2022 have other names in the autoencoder's attention."""
    for old, new in _OLD_ATTENTION.items():
        key = key.replace(f".attentions.0.{old}.", f".attentions.0.{new}.")
    return key


def _taesd_to_diffusers(state: Mapping[str, T]) -> dict[str, T]:
    """Single-file TAESD tensors -> `AutoencoderTiny`; the file counts the clamp as layer 0."""
    out = {}
    for key, value in state.items():
        part, index, rest = [*key.split(".", 2), "", ""][:3]
        if part == "taesd_encoder":
            out[f"encoder.layers.{index}.{rest}"] = value
        elif part == "taesd_decoder":
            out[f"decoder.layers.{int(index) - 1}.{rest}"] = value
        else:
            out[key] = value
    return out


def diffusers_to_taesd(state: Mapping[str, T]) -> dict[str, T]:
    out = {f"taesd_encoder.{k}": v for k, v in below(state, "encoder.layers.").items()}
    for key, value in below(state, "decoder.layers.").items():
        index, rest = key.split(".", 1)
        out[f"taesd_decoder.{int(index) + 1}.{rest}"] = value
    return out


def text_to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A text encoder of any layout -> CLIP's names in transformers, without `text_model.`."""
    if any(key.startswith("transformer.resblocks.") for key in state):
        return _open_clip(state)
    names = (key.removeprefix("transformer.").removeprefix("text_model.") for key in state)
    return dict(zip(names, state.values(), strict=True))


def _open_clip(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out = {}
    for key, value in rename(state, _OPEN_CLIP).items():
        layer = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.*)", key)
        if key == "text_projection":
            out["text_projection.weight"] = value.T
        elif layer is None:
            out[key] = value
        elif layer[2].startswith("attn.in_proj_"):
            kind = layer[2].removeprefix("attn.in_proj_")
            for name, part in zip("qkv", value.chunk(3), strict=True):
                out[f"encoder.layers.{layer[1]}.self_attn.{name}_proj.{kind}"] = part
        else:
            (name,) = rename({layer[2]: None}, _OPEN_CLIP_LAYER)
            out[f"encoder.layers.{layer[1]}.{name}"] = value
    return out
