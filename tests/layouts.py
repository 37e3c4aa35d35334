"""Checkpoints as their authors and their users' tools lay them out, of real names and shapes."""

import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from facea_core.backbone import Backbone, keys
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import SD2, SD15, SDXL

from .narrow import narrow_family, open_clip_name

Shapes = dict[str, tuple[int, ...]]
Change = Callable[[Shapes], Shapes]
NARROW = narrow_family(SD15)
FAMILY = {family.spec.family: family for family in (SD15, SD2, SDXL)}
_SIZES = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "I64": 8, "U8": 1}


def shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(value.shape) for key, value in state.items()}


def write_hollow(
    path: Path,
    shapes: Shapes,
    metadata: Mapping[str, str] | None = None,
    dtype: str = "F16",
    more: int = 0,
) -> Path:
    """A checkpoint whose numbers are a hole in the file, so that one of 7 GB takes 400 kB.

    `more` bytes follow the last tensor.
    """
    header: dict = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for key, shape in shapes.items():
        kind = "I64" if key.endswith("position_ids") else dtype
        begin, end = end, end + math.prod(shape) * _SIZES[kind]
        header[key] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end + more)
    return path


def vae_name(key: str) -> str:
    """The name that the original autoencoder has for a parameter of diffusers' one."""
    levels = 4
    name = key.replace("mid_block.attentions.0", "mid.attn_1")
    for old, new in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        name = name.replace(f"attn_1.{old}.", f"attn_1.{new}.")
    name = name.replace("attn_1.group_norm", "attn_1.norm")
    for i in range(2):
        name = name.replace(f"mid_block.resnets.{i}", f"mid.block_{i + 1}")
    for i in range(levels):
        name = name.replace(f"up_blocks.{i}.", f"up.{levels - 1 - i}.")
        name = name.replace(f"down_blocks.{i}.", f"down.{i}.")
    for old, new in (
        ("resnets", "block"),
        ("downsamplers.0", "downsample"),
        ("upsamplers.0", "upsample"),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
    ):
        name = name.replace(old, new)
    return keys.VAE_PREFIX + name


def single_file(backbone: Backbone) -> dict[str, Tensor]:
    """The tensors of a backbone as a checkpoint of the original authors holds them."""
    unet = keys.invert(keys.unet_prefixes(backbone.unet.config))
    state = {
        keys.UNET_PREFIX + name: value
        for name, value in keys.rename(backbone.unet.state_dict(), unet).items()
    }
    for key, value in backbone.vae.state_dict().items():
        # Its attention is made of convolutions.
        linear = "attentions" in key and value.ndim == 2
        state[vae_name(key)] = value[..., None, None] if linear else value
    return {**state, **text_states(backbone)}


def text_states(backbone: Backbone) -> dict[str, Tensor]:
    prefixes = {
        "sd15": {"clip_l": "cond_stage_model.transformer."},
        "sd2": {"clip_h": "cond_stage_model.model."},
        "sdxl": {
            "clip_l": "conditioner.embedders.0.transformer.",
            "clip_g": "conditioner.embedders.1.model.",
        },
    }[backbone.spec.family]
    state = {}
    for name, prefix in prefixes.items():
        encoder = backbone.text.encoders[name].state_dict()
        plain = {key.removeprefix("text_model."): value for key, value in encoder.items()}
        if name == "clip_l":
            state |= {f"{prefix}text_model.{key}": value for key, value in plain.items()}
        else:
            state |= {prefix + key: value for key, value in open_clip(plain).items()}
    return state


def open_clip(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """CLIP's tensors as OpenCLIP holds them: three projections in one, the last one transposed."""
    out = {}
    for key, value in state.items():
        if ".q_proj." in key:
            parts = [state[key.replace(".q_proj.", f".{name}_proj.")] for name in "qkv"]
            out[open_clip_name(key)] = torch.cat(parts)
        elif key == "text_projection.weight":
            out["text_projection"] = value.T
        elif not re.search(r"\.[kv]_proj\.", key):
            out[open_clip_name(key)] = value
    return out


@cache
def published(name: str) -> Backbone:
    """A family's modules without memory."""
    with torch.device("meta"):
        return empty_backbone(FAMILY[name])


@cache
def plain(name: str) -> Shapes:
    """The published inpainting file of a family, without what nobody reads."""
    with torch.device("meta"):
        return shapes_of(single_file(published(name)))


@cache
def narrow_backbone() -> Backbone:
    """Shared: to be read only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return empty_backbone(NARROW)


@cache
def folders(name: str) -> dict[str, Shapes]:
    backbone = published(name)
    modules = {"unet": backbone.unet, "vae": backbone.vae, **backbone.text.encoders}
    return {key: shapes_of(module.state_dict()) for key, module in modules.items()}


def extra(*names: str) -> Change:
    return lambda shapes: {**shapes, **dict.fromkeys(names, (1, 77))}


def without(*patterns: str) -> Change:
    return lambda shapes: {
        key: shape
        for key, shape in shapes.items()
        if not any(re.search(pattern, key) for pattern in patterns)
    }


def renamed(*pairs: tuple[str, str]) -> Change:
    def change(shapes: Shapes) -> Shapes:
        for old, new in pairs:
            shapes = {re.sub(old, new, key): shape for key, shape in shapes.items()}
        return shapes

    return change
