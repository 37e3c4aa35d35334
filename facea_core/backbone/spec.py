"""The model families: what the code may know about each, and how to build its empty modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..types import BackboneSpec

PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class Reading:
    """How a family reads a text encoder.

    `layer` is the hidden state that is the context, -1 the last one; `norm` whether the encoder's
    final norm is put on it. `pad` is the token behind the end of a prompt, None the end token
    again. `pooled` tells whether the projected state of the end token goes to the U-Net as well.
    """

    layer: int = -1
    norm: bool = True
    pad: int | None = None
    pooled: bool = False


@dataclass(frozen=True)
class Family:
    """A row of the table: the public spec and the configs of the modules behind it.

    `spec` is the inpainting model's; `plain` is what its sister of 4 channels is called in
    metadata, `v_resolution` the native side where it predicts v, if another. `unet` are
    `UNet2DConditionModel` arguments; `text` maps an encoder's name to `CLIPTextConfig` arguments,
    `reading` to what of it the U-Net gets; `tokenizer` is a folder under `facea_core/assets`;
    `vae` are `AutoencoderKL` arguments, None for TAESD's autoencoder.
    """

    spec: BackboneSpec
    plain: str
    unet: Mapping[str, Any]
    text: Mapping[str, Mapping[str, Any]]
    tokenizer: str
    vae: Mapping[str, Any] | None = None
    reading: Mapping[str, Reading] = field(default_factory=dict)
    v_resolution: int | None = None

    def variant(self, inpainting: bool, prediction: str | None = None) -> BackboneSpec:
        """The spec of one model of the family; None = the family's own prediction."""
        spec = self.spec
        if prediction is not None and prediction != spec.prediction:
            spec = replace(spec, prediction=prediction)
            if prediction == "v_prediction" and self.v_resolution is not None:
                spec = replace(spec, resolution=self.v_resolution)
        if not inpainting:
            spec = replace(spec, inpainting=False, architecture=self.plain)
        return spec

    def skipping(self, layer: int | None) -> Family:
        """The same with every text encoder read at hidden state `layer` (-1 = last), if it has it.

        What CLIPSetLastLayer asks for in ComfyUI; None = as the family was trained.
        """
        if layer is None:
            return self
        reading = {
            name: replace(self.reading.get(name, Reading()), layer=layer)
            for name, config in self.text.items()
            if -layer <= config["num_hidden_layers"]
        }
        return replace(self, reading={**self.reading, **reading})

    @property
    def clip_skip(self) -> int:
        """The layer of the first text encoder that is read, counted from the end; 1 = the last."""
        return -self.reading.get(next(iter(self.text)), Reading()).layer


def _clip(width: int, layers: int, act: str, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 64,
        "max_position_embeddings": 77,
        "hidden_act": act,
        **more,
    }


def _kl(sample_size: int, scaling_factor: float) -> dict[str, Any]:
    return {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "latent_channels": 4,
        "sample_size": sample_size,
        "scaling_factor": scaling_factor,
    }


_PENULTIMATE = -2

TINY_FILE = "checkpoints/facea-tiny.safetensors"
CONTROL_FILE = "controlnet/facea-tiny-control.safetensors"
"""Among the assets."""

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
    plain="facea-tiny",
    unet={
        "sample_size": 16,
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": (64, 128, 128),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 128,
        "attention_head_dim": 2,  # diffusers' historical name: this is the number of heads
    },
    text={"clip_l": _clip(128, 2, "quick_gelu", max_position_embeddings=48)},
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
    plain="stable-diffusion-v1",
    unet={
        "sample_size": 64,
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    text={"clip_l": _clip(768, 12, "quick_gelu")},
    tokenizer="clip-tokenizer",
    vae=_kl(512, 0.18215),
)

SD2 = Family(
    spec=BackboneSpec(
        family="sd2",
        resolution=512,
        latent_channels=4,
        latent_factor=8,
        widths={"clip_h": 1024},
        max_tokens=77,
        prediction="epsilon",
        cfg=7.5,
        architecture="stable-diffusion-v2-inpainting",
    ),
    plain="stable-diffusion-v2",
    unet={
        **SD15.unet,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),  # heads again: 64 channels each
        "use_linear_projection": True,
    },
    text={"clip_h": _clip(1024, 24, "gelu")},
    tokenizer="clip-tokenizer",
    vae=_kl(512, 0.18215),
    reading={"clip_h": Reading(_PENULTIMATE, pad=0)},
    v_resolution=768,
)

SDXL = Family(
    spec=BackboneSpec(
        family="sdxl",
        resolution=1024,
        latent_channels=4,
        latent_factor=8,
        widths={"clip_l": 768, "clip_g": 1280},
        max_tokens=77,
        prediction="epsilon",
        cfg=6.0,
        architecture="stable-diffusion-xl-v1-inpainting",
    ),
    plain="stable-diffusion-xl-v1-base",
    unet={
        "sample_size": 128,
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": (320, 640, 1280),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,  # pooled text 1280, six sizes of 256
    },
    text={
        "clip_l": _clip(768, 12, "quick_gelu"),
        "clip_g": _clip(1280, 32, "gelu", projection_dim=1280),
    },
    tokenizer="clip-tokenizer",
    vae=_kl(1024, 0.13025),
    reading={
        "clip_l": Reading(_PENULTIMATE, norm=False),
        "clip_g": Reading(_PENULTIMATE, norm=False, pad=0, pooled=True),
    },
)

FAMILIES = (TINY, SD15, SD2, SDXL)
"""What can be trained and painted with."""

MOST_LAYERS = max(text["num_hidden_layers"] for one in FAMILIES for text in one.text.values())
"""Of a text encoder of any family."""

SPECS: Mapping[str, BackboneSpec] = {family.spec.family: family.spec for family in FAMILIES}
