"""What a checkpoint is and how large, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..types import BackboneSpec
from .base import open_base
from .load import assemble
from .parts import identify
from .prediction import prediction_of
from .stored import FLOATS, Slot

DTYPES = {stored: getattr(torch, name) for stored, name in FLOATS.items()}


@dataclass(frozen=True)
class CheckpointHeader:
    """A checkpoint by its headers.

    `dtype` is the U-Net's as stored; `numbers` and `bytes` count what is stored of each module:
    "unet", "vae", and the text encoders by name. `notes` say what loading passes over.
    """

    spec: BackboneSpec
    dtype: torch.dtype
    numbers: Mapping[str, int]
    bytes: Mapping[str, int]
    notes: tuple[str, ...] = ()


def inspect_checkpoint(
    base: str | Path, *, prediction: str | None = None, vae: str | Path | None = None
) -> CheckpointHeader:
    """What `load_backbone` would load, without reading its tensors; raises the same errors."""
    stored = open_base(base, vae)
    family, inpainting = identify(stored.parts, stored.name)
    prediction, notes = prediction_of(stored, family, inpainting, prediction)
    # Assembled of tensors without memory, so that what is refused is what loading refuses.
    shapes = stored.parts.map(_without_memory)
    made = assemble(shapes, stored.name, "meta", prediction=prediction, vae_source=stored.vae_name)
    parts = stored.parts
    modules = {
        "unet": parts.unet,
        "vae": parts.vae,
        **dict(zip(family.text, parts.text, strict=True)),
    }
    floats = {
        name: [slot for slot in slots.values() if slot.dtype in DTYPES]
        for name, slots in modules.items()
    }
    return CheckpointHeader(
        made.spec,
        _widest(floats["unet"]),
        {name: sum(slot.numbers for slot in slots) for name, slots in floats.items()},
        {
            name: sum(slot.numbers * DTYPES[slot.dtype].itemsize for slot in slots)
            for name, slots in floats.items()
        },
        (*notes, *made.notes),
    )


def _without_memory(slots: Mapping[str, Slot]) -> dict[str, Tensor]:
    return {key: torch.empty(slot.shape, device="meta") for key, slot in slots.items()}


def _widest(slots: list[Slot]) -> torch.dtype:
    return max({DTYPES[slot.dtype] for slot in slots}, key=lambda dtype: dtype.itemsize)
