"""Single-file `.safetensors` checkpoint -> `Backbone`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from ..errors import AssetError, BackboneError
from . import keys
from .backbone import Backbone, alphas_cumprod
from .spec import FAMILIES, Family

TINY_FILE = "checkpoints/facea-tiny.safetensors"


def asset(name: str) -> Path:
    """Path of a file that ships with the package. Raises `AssetError` if it is missing."""
    path = Path(__file__).parents[1] / "assets" / name
    if not path.exists():
        raise AssetError(
            f"{path} is missing; reinstall the pack, or rebuild it with "
            "`python -m facea_core.tiny.pretrain`"
        )
    return path


def load_backbone(
    base: str | Path, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> Backbone:
    """Read a checkpoint; `base` is a path, or "tiny" for the embedded facea-tiny.

    Raises `AssetError` (no such file), `BackboneError` (not safetensors, damaged, another
    architecture, or a key missing or left over: a model that half loads is never returned).
    """
    path = asset(TINY_FILE) if str(base) == "tiny" else Path(base)
    return move(assemble(read_checkpoint(path), path.name), device, dtype)


def assemble(
    state: Mapping[str, Tensor], source: str, *, prediction: str | None = None
) -> Backbone:
    """The backbone of `state`, tensors under their single-file names; copies, float32, on the CPU.

    `source` is what messages call it; `prediction` replaces the family's own where a host knows
    better. Raises `BackboneError` as `load_backbone` does.
    """
    family = identify(state, source)
    backbone = empty_backbone(family)
    if prediction is not None:
        backbone = replace(backbone, spec=replace(backbone.spec, prediction=prediction))
    unet = keys.rename(
        keys.below(state, keys.UNET_PREFIX), keys.unet_prefixes(backbone.unet.config)
    )
    _fill(backbone.unet, unet, source)
    if family.vae is None:
        _fill(backbone.vae, keys.taesd_to_diffusers(state), source)
    else:
        try:
            vae = keys.kl_to_diffusers(state, backbone.vae.config)
        except KeyError as error:
            raise BackboneError(
                f"{source} does not fit AutoencoderKL: {error} is missing; give a whole checkpoint"
            ) from error
        _fill(backbone.vae, vae, source)
    encoder = backbone.text_encoders["clip_l"]
    nested = any(k.startswith("text_model.") for k in encoder.state_dict())
    text = keys.below(state, keys.TEXT_PREFIX)
    _fill(encoder, {f"text_model.{k}" if nested else k: v for k, v in text.items()}, source)
    return backbone


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise AssetError(f"checkpoint {path} does not exist; give a .safetensors file, or 'tiny'")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise BackboneError(
            f"{path.name} cannot be read as safetensors ({error}); download it again, or convert it"
        ) from error


def identify(state: Mapping[str, Tensor], source: str) -> Family:
    """The family whose first convolution and text width the tensors have."""
    first = state.get(keys.UNET_PREFIX + "input_blocks.0.0.weight")
    table = state.get(keys.TEXT_PREFIX + "embeddings.token_embedding.weight")
    if first is None or table is None:
        raise BackboneError(
            f"{source} has no U-Net or text encoder in single-file layout "
            f"({keys.UNET_PREFIX}*); give a whole inpainting checkpoint"
        )
    channels, inputs, width = first.shape[0], first.shape[1], table.shape[1]
    known = ", ".join(family.spec.family for family in FAMILIES)
    for family in FAMILIES:
        unet = family.unet
        if (channels, width) != (unet["block_out_channels"][0], unet["cross_attention_dim"]):
            continue
        if inputs == unet["in_channels"]:
            return family
        raise BackboneError(
            f"{source} is a {family.spec.family} model with {inputs} input channels, not an "
            f"inpainting model ({unet['in_channels']}): it cannot see the picture around the face. "
            "Load an inpainting checkpoint"
        )
    raise BackboneError(
        f"{source} is not a supported inpainting model (first convolution {tuple(first.shape)}, "
        f"text width {width}); this version supports: {known}"
    )


def empty_backbone(family: Family) -> Backbone:
    """Modules of the family with untrained weights from the caller's random state."""
    tokenizer = CLIPTokenizer.from_pretrained(str(asset(family.tokenizer)), local_files_only=True)
    text = CLIPTextModel(
        CLIPTextConfig(
            **family.text["clip_l"],
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    )
    vae: Any = AutoencoderTiny() if family.vae is None else AutoencoderKL(**family.vae)
    backbone = Backbone(
        spec=family.spec,
        unet=UNet2DConditionModel(**family.unet),
        vae=vae,
        text_encoders={"clip_l": text},
        tokenizers={"clip_l": tokenizer},
        alphas_cumprod=alphas_cumprod(),
    )
    for module in modules(backbone):
        module.eval().requires_grad_(False)
    return backbone


def modules(backbone: Backbone) -> tuple[nn.Module, ...]:
    return (backbone.unet, backbone.vae, *backbone.text_encoders.values())


def move(backbone: Backbone, device: str | torch.device, dtype: torch.dtype) -> Backbone:
    """The same backbone on another device; the modules are moved, not copied."""
    for module in modules(backbone):
        nn.Module.to(module, device, dtype)  # diffusers' own `to` warns at every cast
    return replace(backbone, alphas_cumprod=backbone.alphas_cumprod.to(device))


def single_file_state(backbone: Backbone) -> dict[str, Tensor]:
    """The inverse of loading: the tensors under their single-file names."""
    unet = keys.rename(
        backbone.unet.state_dict(), keys.invert(keys.unet_prefixes(backbone.unet.config))
    )
    return {
        **{keys.UNET_PREFIX + k: v for k, v in unet.items()},
        **keys.diffusers_to_taesd(backbone.vae.state_dict()),
        **keys.text_to_single(backbone.text_encoders["clip_l"].state_dict()),
    }


def _fill(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    own = module.state_dict()
    for key in state.keys() & own.keys():
        if state[key].shape != own[key].shape:
            raise BackboneError(
                f"{source} does not fit {type(module).__name__}: {key} is "
                f"{tuple(state[key].shape)}, not {tuple(own[key].shape)}; give a whole checkpoint "
                "of a supported family"
            )
    missing, unexpected = module.load_state_dict(state, strict=False)
    # Buffers such as position ids come and go between transformers versions.
    missing = [k for k in missing if not k.endswith("position_ids")]
    unexpected = [k for k in unexpected if not k.endswith("position_ids")]
    if missing or unexpected:
        raise BackboneError(
            f"{source} does not fit {type(module).__name__}: {len(missing)} keys missing "
            f"(first: {missing[:1]}), {len(unexpected)} left over (first: {unexpected[:1]})"
        )
