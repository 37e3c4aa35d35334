"""Key names of single-file checkpoints <-> diffusers modules, both ways, for any SD U-Net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from torch import Tensor

UNET_PREFIX = "model.diffusion_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."
VAE_PREFIX = "first_stage_model."
ENCODER_PREFIX = "first_stage_model.taesd_encoder."
DECODER_PREFIX = "first_stage_model.taesd_decoder."

_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


def _resnet(single: str, module: str) -> Iterator[tuple[str, str]]:
    for old, new in _RESNET.items():
        yield f"{single}.{old}.", f"{module}.{new}."


def unet_prefixes(config: Mapping[str, Any]) -> dict[str, str]:
    """Prefix in the single file -> prefix in the diffusers U-Net, for a U-Net of this config."""
    levels = len(config["block_out_channels"])
    layers = config["layers_per_block"]
    pairs = [
        ("time_embed.0.", "time_embedding.linear_1."),
        ("time_embed.2.", "time_embedding.linear_2."),
        ("label_emb.0.0.", "add_embedding.linear_1."),
        ("label_emb.0.2.", "add_embedding.linear_2."),
        ("input_blocks.0.0.", "conv_in."),
        ("out.0.", "conv_norm_out."),
        ("out.2.", "conv_out."),
        *_resnet("middle_block.0", "mid_block.resnets.0"),
        ("middle_block.1.", "mid_block.attentions.0."),
        *_resnet("middle_block.2", "mid_block.resnets.1"),
    ]
    block = 1
    for level in range(levels):
        for layer in range(layers):
            single, module = f"input_blocks.{block}", f"down_blocks.{level}"
            pairs += _resnet(f"{single}.0", f"{module}.resnets.{layer}")
            pairs.append((f"{single}.1.", f"{module}.attentions.{layer}."))
            block += 1
        if level < levels - 1:
            pairs.append(
                (f"input_blocks.{block}.0.op.", f"down_blocks.{level}.downsamplers.0.conv.")
            )
            block += 1
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


def rename(state: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """Replace each key's longest matching prefix. Keys without one are kept as they are."""
    ordered = sorted(prefixes, key=len, reverse=True)
    out = {}
    for key, value in state.items():
        old = next((prefix for prefix in ordered if key.startswith(prefix)), "")
        out[prefixes.get(old, "") + key[len(old) :]] = value
    return out


def invert(prefixes: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in prefixes.items()}


def below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under `prefix`, with the prefix taken off."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def taesd_to_diffusers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Single-file TAESD tensors -> `AutoencoderTiny`; the file counts the clamp as layer 0."""
    out = {f"encoder.layers.{k}": v for k, v in below(state, ENCODER_PREFIX).items()}
    for key, value in below(state, DECODER_PREFIX).items():
        index, rest = key.split(".", 1)
        out[f"decoder.layers.{int(index) - 1}.{rest}"] = value
    return out


def diffusers_to_taesd(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out = {ENCODER_PREFIX + k: v for k, v in below(state, "encoder.layers.").items()}
    for key, value in below(state, "decoder.layers.").items():
        index, rest = key.split(".", 1)
        out[f"{DECODER_PREFIX}{int(index) + 1}.{rest}"] = value
    return out


def kl_to_diffusers(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Single-file autoencoder tensors -> `AutoencoderKL` of this config."""
    return convert_ldm_vae_checkpoint(
        {k: v for k, v in state.items() if k.startswith(VAE_PREFIX)}, config
    )


def text_to_single(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`CLIPTextModel` tensors -> single file; transformers 4 nests them in `text_model`, 5 not."""
    return {TEXT_PREFIX + key.removeprefix("text_model."): value for key, value in state.items()}
