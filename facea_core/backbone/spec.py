"""The model families: what the code may know about each, and how to build its empty modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..types import BackboneSpec


@dataclass(frozen=True)
class Family:
    """A row of the table: the public spec and the configs of the modules behind it.

    `unet` are `UNet2DConditionModel` arguments; `text` maps an encoder's name (`clip_l`) to
    `CLIPTextConfig` arguments; `tokenizer` is a folder under `facea_core/assets`; `vae` are
    `AutoencoderKL` arguments, None for TAESD's autoencoder.
    """

    spec: BackboneSpec
    unet: Mapping[str, Any]
    text: Mapping[str, Mapping[str, Any]]
    tokenizer: str
    vae: Mapping[str, Any] | None = None


TINY = Family(
    spec=BackboneSpec(
        family="facea-tiny",
        resolution=128,
        latent_channels=4,
        latent_factor=8,
        widths={"clip_l": 128},
        max_tokens=48,
        prediction="v_prediction",
        cfg=2.0,
        architecture="facea-tiny-inpainting",
    ),
    unet={
        "sample_size": 16,
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": (64, 128, 128),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 128,
        "attention_head_dim": 2,  # diffusers' historical name: this is the number of heads
    },
    text={
        "clip_l": {
            "hidden_size": 128,
            "intermediate_size": 512,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 48,
            "hidden_act": "quick_gelu",
        }
    },
    tokenizer="tiny-tokenizer",
)

SD15 = Family(
    spec=BackboneSpec(
        family="sd15",
        resolution=512,
        latent_channels=4,
        latent_factor=8,
        widths={"clip_l": 768},
        max_tokens=77,
        prediction="epsilon",
        cfg=7.5,
        architecture="stable-diffusion-v1-inpainting",
    ),
    unet={
        "sample_size": 64,
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    text={
        "clip_l": {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "max_position_embeddings": 77,
            "hidden_act": "quick_gelu",
        }
    },
    tokenizer="clip-tokenizer",
    vae={
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": 512,
        "scaling_factor": 0.18215,
    },
)

FAMILIES = (TINY, SD15)
"""What can be trained."""

SPECS: Mapping[str, BackboneSpec] = {
    spec.family: spec
    for spec in (
        *(family.spec for family in FAMILIES),
        BackboneSpec("sd2", 512, 4, 8, {"clip_h": 1024}, 77, "epsilon", 7.5),
        BackboneSpec("sdxl", 1024, 4, 8, {"clip_l": 768, "clip_g": 1280}, 77, "epsilon", 6.0),
    )
}
"""By family: those above, and those that a host can paint with although nothing trains on them."""
