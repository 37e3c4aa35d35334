"""Model families with all their blocks and layers, but narrow enough for a test."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from diffusers import AutoencoderTiny

from facea_core.backbone import Backbone
from facea_core.backbone.spec import Family

_OPEN_CLIP = (
    (r"^embeddings\.token_embedding\.", "token_embedding."),
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"\.self_attn\.q_proj\.", ".attn.in_proj_"),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)


@cache
def narrow_autoencoder() -> AutoencoderTiny:
    """The miniature's autoencoder with an eighth of its channels; one for all, to be read only."""
    few: Any = (8, 8, 8, 8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = AutoencoderTiny(encoder_block_out_channels=few, decoder_block_out_channels=few)
    return made.eval().requires_grad_(False)


def quick(backbone: Backbone, resolution: int) -> Backbone:
    """The miniature at another resolution, its autoencoder narrow: that takes most of the time."""
    spec = replace(backbone.spec, resolution=resolution)
    return replace(backbone, spec=spec, vae=narrow_autoencoder())


def narrow_family(family: Family) -> Family:
    """The family at a twentieth of its width, with text encoders of four layers."""
    levels = len(family.unet["block_out_channels"])
    width = {name: 32 + 32 * i for i, name in enumerate(family.text)}
    context = sum(width.values())
    unet: dict[str, Any] = {
        **family.unet,
        "block_out_channels": (32, 64, 96, 96)[:levels],
        "cross_attention_dim": context,
        "sample_size": 8,
    }
    if isinstance(unet["attention_head_dim"], tuple):
        unet["attention_head_dim"] = (2, 4, 4, 4)[:levels]
    if "projection_class_embeddings_input_dim" in unet:
        pooled = width["clip_g"]
        unet["addition_time_embed_dim"] = 16
        unet["projection_class_embeddings_input_dim"] = pooled + 6 * 16
        unet["transformer_layers_per_block"] = (1, 2, 3)
    text = {
        name: {
            **config,
            "hidden_size": width[name],
            "intermediate_size": 64,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            **({"projection_dim": width[name]} if "projection_dim" in config else {}),
        }
        for name, config in family.text.items()
    }
    return replace(
        family,
        spec=replace(family.spec, resolution=64, widths=width),
        unet=unet,
        text=text,
        vae={**(family.vae or {}), "block_out_channels": (32, 64, 96, 96)},
    )


def open_clip_name(key: str) -> str:
    """OpenCLIP's name of a parameter that transformers calls `key`, without `text_model.`."""
    for pattern, new in _OPEN_CLIP:
        key = re.sub(pattern, new, key)
    return key
