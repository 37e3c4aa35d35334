"""Checkpoints in any layout -> `Backbone`, and facea-tiny back to a single file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from ..errors import BackboneError
from ..types import BackboneSpec
from . import keys
from .backbone import Backbone, alphas_cumprod
from .header import TINY_FILE, asset, open_base, prediction_of
from .parts import Parts, identify
from .prompts import Reading
from .spec import Family
from .stored import read_tensors

__all__ = [
    "TINY_FILE",
    "assemble",
    "asset",
    "empty_backbone",
    "load_backbone",
    "move",
    "single_file_state",
]

_UNREAD = re.compile(
    r"(.*\.)?position_ids"  # come and go between versions of transformers
    r"|(text_model\.)?(logit_scale|attn_mask|text_projection(\.weight)?)"  # for CLIP's images
    r"|loss\..*|model_ema\..*|vae_(scale|shift)"  # training; the host's TAESD
)
"""Names inside modules that published files have and a module here may lack."""


def load_backbone(
    base: str | Path,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    *,
    prediction: str | None = None,
) -> Backbone:
    """Read a checkpoint; `base` is a .safetensors file, a diffusers folder, or "tiny".

    `dtype` None = bfloat16 on a CUDA device that has it, else float32. `prediction` ("epsilon",
    "v_prediction") outweighs what the checkpoint says. Raises `AssetError` (no such file),
    `ConfigError` (unknown prediction), `BackboneError` (another format or architecture, damaged,
    quantised, or a key missing or left over: a model that half loads is never returned).
    """
    stored = open_base(base)
    family, inpainting = identify(stored.parts, stored.name)
    parts = Parts(
        unet=read_tensors(stored.parts.unet),
        vae=read_tensors(stored.parts.vae),
        text=tuple(read_tensors(encoder) for encoder in stored.parts.text),
    )
    prediction = prediction_of(stored, family, inpainting, prediction)
    dtype = default_dtype(device) if dtype is None else dtype
    return assemble(parts, stored.name, device, dtype, prediction=prediction)


def default_dtype(device: str | torch.device) -> torch.dtype:
    bf16 = torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if bf16 else torch.float32


def assemble(
    parts: Parts[Tensor],
    source: str,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    prediction: str | None = None,
    layer: int | None = None,
) -> Backbone:
    """The backbone of `parts`; every tensor is copied once, straight to its device and dtype.

    `source` is what messages call it; `prediction` and `layer` (the text encoders' hidden state)
    replace the family's own where a host knows better. Raises `BackboneError` as `load_backbone`.
    """
    family, inpainting = identify(parts, source)
    with torch.device("meta"):
        backbone = empty_backbone(family.skipping(layer), family.variant(inpainting, prediction))

    def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
        try:
            _fill(module, state, source, device, dtype)
        except torch.OutOfMemoryError as error:
            raise BackboneError(
                f"{source} does not fit in the memory of {device}: not even its weights do; close "
                "other programs, or take a smaller family or --device cpu"
            ) from error

    fill(backbone.unet, keys.unet_to_diffusers(parts.unet, backbone.unet.config))
    try:
        vae = keys.vae_to_diffusers(parts.vae, backbone.vae.config)
    except KeyError as error:
        raise BackboneError(
            f"{source} does not fit AutoencoderKL: {error} is missing; give a whole checkpoint"
        ) from error
    fill(backbone.vae, vae)
    for encoder, state in zip(backbone.text_encoders.values(), parts.text, strict=True):
        fill(encoder, _text(encoder, state))
    return move(replace(backbone, alphas_cumprod=alphas_cumprod()), device, dtype)


def _text(encoder: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's share of its state, under its own names; layers that nobody reads go."""
    own = encoder.state_dict()
    # transformers 4 nests the model in `text_model`, 5 only where something stands beside it.
    nested = any(key.startswith("text_model.") for key in own)
    out = {}
    for key, value in keys.text_to_transformers(state).items():
        layer = re.match(r"encoder\.layers\.(\d+)\.", key)
        if layer is None or int(layer[1]) < encoder.config.num_hidden_layers:  # type: ignore[union-attr]
            outside = not nested or key.startswith("text_projection")
            out[key if outside else f"text_model.{key}"] = value
    return out


def empty_backbone(family: Family, spec: BackboneSpec | None = None) -> Backbone:
    """Modules of the family with untrained weights from the caller's random state and device.

    `spec` is one of the family's variants, None the inpainting one.
    """
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
        text_encoders=encoders,
        tokenizers={name: _tokenizer(family.tokenizer) for name in family.text},
        alphas_cumprod=alphas_cumprod(),
        reading=readings,
    )
    for module in backbone.modules:
        module.eval().requires_grad_(False)
    return backbone


@cache
def _tokenizer(folder: str) -> CLIPTokenizer:
    """Read once: its vocabulary takes half a second, and nobody changes it."""
    return CLIPTokenizer.from_pretrained(str(asset(folder)), local_files_only=True)


def move(backbone: Backbone, device: str | torch.device, dtype: torch.dtype) -> Backbone:
    """The same backbone on another device; the modules are moved, not copied.

    On CUDA, convolutions take channels_last, which its fast kernels work in.
    """
    cuda = torch.device(device).type == "cuda"
    layout = torch.channels_last if cuda else torch.preserve_format
    to: Any = nn.Module.to  # diffusers' own warns at every cast
    for module in backbone.modules:
        to(module, device, dtype, memory_format=layout)
    return replace(backbone, alphas_cumprod=backbone.alphas_cumprod.to(device))


def single_file_state(backbone: Backbone) -> dict[str, Tensor]:
    """The inverse of loading for facea-tiny: the tensors under their single-file names."""
    unet = keys.rename(
        backbone.unet.state_dict(), keys.invert(keys.unet_prefixes(backbone.unet.config))
    )
    vae = keys.diffusers_to_taesd(backbone.vae.state_dict())
    text = backbone.text_encoders["clip_l"].state_dict()
    nest = "cond_stage_model.transformer.text_model."
    return {
        **{keys.UNET_PREFIX + k: v for k, v in unet.items()},
        **{keys.VAE_PREFIX + k: v for k, v in vae.items()},
        **{nest + k.removeprefix("text_model."): v for k, v in text.items()},
    }


def _fill(
    module: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    device: str | torch.device,
    dtype: torch.dtype,
) -> None:
    own, name = module.state_dict(), type(module).__name__
    missing = [key for key in own if key not in state and not key.endswith("position_ids")]
    left = [key for key in state if key not in own and not _UNREAD.fullmatch(key)]
    if missing or left:
        raise BackboneError(
            f"{source} does not fit {name}: {len(missing)} keys missing (first: {missing[:1]}), "
            f"{len(left)} left over (first: {left[:1]}); give a whole checkpoint of its family"
        )
    for key in own:
        if key in state and state[key].shape != own[key].shape:
            raise BackboneError(
                f"{source} does not fit {name}: {key} is {tuple(state[key].shape)}, not "
                f"{tuple(own[key].shape)}; give a whole checkpoint of a supported family"
            )
    plain = torch.contiguous_format
    copies = {
        key: state[key].to(device, dtype, copy=True, memory_format=plain)
        for key in own
        if key in state and not key.endswith("position_ids")
    }
    module.load_state_dict(copies, strict=False, assign=True)
    for inner in module.modules():
        if "position_ids" in inner._buffers:
            ids = torch.arange(inner._buffers["position_ids"].shape[-1], device=device)[None]  # type: ignore[union-attr]
            inner._buffers["position_ids"] = ids
