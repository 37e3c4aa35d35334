"""Slider files: ordinary LoRA files under kohya's names, which ComfyUI's own loaders read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..errors import BackboneMismatchError, IdentityFormatError
from ..identity.metadata import BASES
from ..identity.opened import checked_header
from ..identity.stated import kohya_name, lora_keys
from ..io.files import atomic_path, open_plain, readable
from ..io.tensor_files import parse_json, plain, read_header, read_tensors
from ..types import LoraWeights
from .config import SliderOrigin

if TYPE_CHECKING:
    from .train import Slider

META = "facea_slider"
"""The metadata's key of what FaceA itself reads; identities' begin otherwise."""

_DOWN = ".lora_down.weight"


def slider_path(folder: str | Path, name: str, origin: SliderOrigin) -> Path:
    """Where a slider is saved: `name`, or with its key where another file has that name.

    Nothing is written over: loaders keep what they read of a path.
    """
    path = Path(folder) / f"{name}.safetensors"
    return path if not path.exists() else path.with_stem(f"{name}-{origin.key[:8]}")


def find_slider(folder: str | Path, name: str, origin: SliderOrigin) -> Path | None:
    """The file of exactly this training in the folder, if it is there."""
    named = Path(folder) / f"{name}.safetensors"
    for path in (named, named.with_stem(f"{name}-{origin.key[:8]}")):
        try:
            with open_plain(path) as file:
                about = parse_json(read_header(file).metadata[META])
                if about["key"] == origin.key:
                    return path
        except (OSError, KeyError, TypeError, ValueError):
            continue
    return None


def save_slider(slider: Slider, path: str | Path) -> None:
    """Write the file, whole or not at all. Raises `AssetError`."""
    tensors = {}
    for layer, weights in slider.lora.items():
        down, up, alpha = lora_keys(layer)
        tensors |= {down: weights.down, up: weights.up, alpha: torch.tensor(weights.alpha)}
    kept = {key: value.float().cpu().contiguous() for key, value in tensors.items()}
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(plain(kept, _metadata(slider, Path(path).stem)))


def read_lora(path: str | Path) -> dict[str, LoraWeights]:
    """A plain LoRA of a U-Net, by kohya's layer names; a slider or anybody else's.

    Raises `AssetError` (unreadable) and `IdentityFormatError` (no LoRA, or one that adapts more
    than the U-Net: words, text encoders).
    """
    path = Path(path)
    with readable(path), open_plain(path) as file:
        header = checked_header(file, path)
        tensors = {key: value.float() for key, value in read_tensors(file, header).items()}
    found = {}
    try:
        for name in [key.removesuffix(_DOWN) for key in tensors if key.endswith(_DOWN)]:
            down, up = tensors.pop(name + _DOWN), tensors.pop(f"{name}.lora_up.weight")
            alpha = tensors.pop(f"{name}.alpha", None)
            found[name] = LoraWeights(down, up, float(len(down) if alpha is None else alpha))
    except (KeyError, RuntimeError, ValueError) as error:
        raise IdentityFormatError(f"{path.name} is damaged ({error}); copy it again") from error
    if tensors or not found:
        other = f"it holds {min(tensors)[:80]!r} too" if tensors else "it holds none"
        raise IdentityFormatError(
            f"{path.name} is no plain LoRA of a U-Net ({other}); choose a slider, as "
            "`facea slider` writes them"
        )
    return found


def slider_layers(
    lora: Mapping[str, LoraWeights], unet: nn.Module, name: str = "the slider"
) -> dict[str, LoraWeights]:
    """The LoRA by layer path, for `merged_lora`.

    Raises `BackboneMismatchError` if it does not fit.
    """
    layers = {kohya_name(path): path for path, _ in unet.named_modules()}
    fitted = {}
    for key, weights in lora.items():
        weight = getattr(unet.get_submodule(layers[key]), "weight", None) if key in layers else None
        wanted = (len(weights.up), *weights.down.shape[1:])
        if not isinstance(weight, torch.Tensor) or tuple(weight.shape) != wanted:
            raise BackboneMismatchError(
                f"{name} adapts layer {key[:80]!r} of shape {wanted}, which the loaded model does "
                "not have; load the model family that it was trained on"
            )
        fitted[layers[key]] = weights
    return fitted


def _metadata(slider: Slider, name: str) -> dict[str, str]:
    """What FaceA reads, and what LoRA managers and kohya's tools know."""
    config = slider.origin.config
    about = {
        "format": 1,
        "key": slider.origin.key,
        "family": slider.family,
        "loss": round(slider.loss, 6),
        **slider.origin.to_dict(),
    }
    v = slider.prediction == "v_prediction"
    architecture, base = BASES.get((slider.family, v), (f"{slider.family}/lora", slider.family))
    rank, alpha = str(config.rank), f"{config.alpha:g}"
    return {
        META: json.dumps(about, sort_keys=True),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": architecture,
        "modelspec.implementation": "diffusers",
        "modelspec.title": name,
        "modelspec.description": f"slider: -1 {config.negative!r}, +1 {config.positive!r}",
        "modelspec.tags": "facea, slider",
        "ss_base_model_version": base,
        "ss_v2": str(slider.family == "sd2"),
        "ss_network_module": "networks.lora",
        "ss_network_dim": rank,
        "ss_network_alpha": alpha,
        "ss_network_args": json.dumps({"conv_dim": rank, "conv_alpha": alpha}),
        "ss_output_name": name,
        "ss_steps": str(config.steps),
        "ss_seed": str(config.seed),
    }
