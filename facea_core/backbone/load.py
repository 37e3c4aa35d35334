"""Checkpoints in any layout -> `Backbone`, and facea-tiny back to a single file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BackboneError, ConfigError, quoted, shortened
from ..seeds import short_seed
from . import keys
from .backbone import Backbone, alphas_cumprod
from .base import open_base
from .fit import check_unet, fill, text_state
from .modules import empty_backbone
from .parts import Parts, identify
from .prediction import prediction_of
from .spec import TINY, TINY_FILE
from .stored import read_tensors

__all__ = [
    "TINY_FILE",
    "assemble",
    "empty_backbone",
    "hash_of",
    "load_backbone",
    "move",
    "random_backbone",
    "single_file_state",
]


def load_backbone(
    base: str | Path,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    *,
    prediction: str | None = None,
    vae: str | Path | None = None,
    clip_skip: int = 0,
) -> Backbone:
    """Read a checkpoint; `base` is a .safetensors file, a folder, or "tiny".

    `dtype` None = bfloat16 on a CUDA device that has it, else float32. `prediction` ("epsilon",
    "v_prediction") outweighs what the checkpoint says; `vae` is a file or folder whose autoencoder
    takes the place of the checkpoint's; `clip_skip` is the layer of the text encoders to read,
    counted from the end, 0 = as the family was trained. Raises `AssetError` (no such file),
    `ConfigError` (unknown prediction), `BackboneError` (another format or architecture, damaged,
    quantised, or a key missing: a model that half loads is never returned). What was left over is
    in the notes.
    """
    stored = open_base(base, vae)
    family, inpainting = identify(stored.parts, stored.name)
    prediction, notes = prediction_of(stored, family, inpainting, prediction)
    dtype = default_dtype(device) if dtype is None else dtype
    parts = stored.parts.map(read_tensors)
    backbone = assemble(
        parts, stored.name, device, dtype,
        prediction=prediction, layer=-clip_skip or None, vae_source=stored.vae_name,
    )  # fmt: skip
    return replace(backbone, notes=(*notes, *backbone.notes))


def pick_device(name: str) -> str:
    """A torch device; `auto` is a GPU where there is one. Raises ConfigError for another name."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device {quoted(name)} cannot be used ({reason}); try auto or cpu"
        ) from error
    return name


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
    vae_source: str | None = None,
) -> Backbone:
    """The backbone of `parts`; every tensor is copied once, straight to its device and dtype.

    `source` is what messages call it, `vae_source` where the autoencoder is from another place;
    `prediction` and `layer` (the text encoders' hidden state) replace the family's own where a host
    knows better. Raises `BackboneError` as `load_backbone`.
    """
    try:
        backbone = _fitted(parts, source, (device, dtype), prediction, layer, vae_source)
    except torch.OutOfMemoryError as error:
        raise BackboneError(
            f"{source} does not fit in the memory of {device}: not even its weights do; close "
            "other programs, or take a smaller family or --device cpu"
        ) from error
    return move(replace(backbone, alphas_cumprod=alphas_cumprod()), device, dtype)


def hash_of(
    parts: Parts[Tensor],
    source: str,
    dtype: torch.dtype,
    *,
    prediction: str | None = None,
    layer: int | None = None,
    vae_source: str | None = None,
) -> str:
    """The `Backbone.hash` of what `assemble` would make of `parts`; nothing is copied."""
    return _fitted(parts, source, None, prediction, layer, vae_source).hash_as(dtype)


def _fitted(
    parts: Parts[Tensor],
    source: str,
    to: tuple[str | torch.device, torch.dtype] | None,
    prediction: str | None = None,
    layer: int | None = None,
    vae_source: str | None = None,
) -> Backbone:
    """The modules of `parts`, by `fit.fill`, and what was left over; not yet a schedule."""
    family, inpainting = identify(parts, source)
    with torch.device("meta"):
        backbone = empty_backbone(family.skipping(layer), family.variant(inpainting, prediction))
    unet = keys.unet_to_diffusers(parts.unet, backbone.unet.config)
    check_unet(fill(backbone.unet, unet, source, to), source)
    vae = keys.vae_to_diffusers(parts.vae, backbone.vae.config)
    left = [*parts.rest, *fill(backbone.vae, vae, vae_source or source, to)]
    for encoder, state in zip(backbone.text.encoders.values(), parts.text, strict=True):
        left += fill(encoder, text_state(encoder, state), source, to)
    if not left:
        return backbone
    return replace(
        backbone,
        notes=(
            f"{source} holds tensors that nothing of {family.spec.family} reads, passed over: "
            f"{len(left)} (first: {shortened(left[0])})",
        ),
    )


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
    text = backbone.text.encoders["clip_l"].state_dict()
    nest = "cond_stage_model.transformer.text_model."
    return {
        **{keys.UNET_PREFIX + k: v for k, v in unet.items()},
        **{keys.VAE_PREFIX + k: v for k, v in vae.items()},
        **{nest + k.removeprefix("text_model."): v for k, v in text.items()},
    }


def random_backbone(seed: int = 0) -> Backbone:
    """facea-tiny with untrained weights drawn from `seed`; the global random state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(short_seed(seed))
        return empty_backbone(TINY)
