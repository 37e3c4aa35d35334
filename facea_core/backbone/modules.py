"""The empty modules of a family, with the tokenizers that ship for them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ..io.assets import asset
from ..types import BackboneSpec
from .backbone import Backbone, alphas_cumprod
from .prompts import TextEncoders
from .spec import Family, Reading

if TYPE_CHECKING:
    from transformers import CLIPTokenizer


def empty_backbone(family: Family, spec: BackboneSpec | None = None) -> Backbone:
    """Modules of the family with untrained weights from the caller's random state and device.

    `spec` is one of the family's variants, None the inpainting one.
    """
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    spec = spec or family.spec
    tokenizer: Any = _tokenizer(family.tokenizer)
    encoders, readings = {}, {}
    for name, config in family.text.items():
        reading = family.reading.get(name, Reading())
        layers = config["num_hidden_layers"]
        if not reading.pooled:
            # Nobody reads the layers behind the one that is the context.
            layers, reading = layers + 1 + reading.layer, replace(reading, layer=-1)
        text = CLIPTextConfig(
            **{**config, "num_hidden_layers": layers},
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
        kind = CLIPTextModelWithProjection if reading.pooled else CLIPTextModel
        encoders[name], readings[name] = kind(text), reading
    channels = family.unet["in_channels"] if spec.inpainting else spec.latent_channels
    vae: Any = AutoencoderTiny() if family.vae is None else AutoencoderKL(**family.vae)
    backbone = Backbone(
        spec=spec,
        unet=UNet2DConditionModel(**{**family.unet, "in_channels": channels}),
        vae=vae,
        text=TextEncoders(
            encoders=encoders,
            tokenizers={name: _tokenizer(family.tokenizer) for name in family.text},
            max_tokens=spec.max_tokens,
            reading=readings,
        ),
        alphas_cumprod=alphas_cumprod(),
        clip_skip=family.clip_skip,
    )
    for module in backbone.modules:
        module.eval().requires_grad_(False)
    return backbone


@cache
def _tokenizer(folder: str) -> CLIPTokenizer:
    """Read once: its vocabulary takes half a second, and nobody changes it."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(str(asset(folder)), local_files_only=True)
