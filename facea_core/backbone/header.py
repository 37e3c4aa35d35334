"""What a checkpoint is and how large, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import AssetError, BackboneError, ConfigError, quoted
from ..types import BackboneSpec
from .parts import identify
from .spec import PREDICTIONS, SD2, Family
from .stored import DTYPES, Slot, Stored, open_stored, read_tensors

TINY_FILE = "checkpoints/facea-tiny.safetensors"

_LAST_NORM = (
    "output_blocks.11.1.transformer_blocks.0.norm1.bias",
    "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias",
)


@dataclass(frozen=True)
class CheckpointHeader:
    """A checkpoint by its headers.

    `dtype` is the U-Net's as stored; `numbers` and `bytes` count what is stored of each module:
    "unet", "vae", and the text encoders by name.
    """

    spec: BackboneSpec
    dtype: torch.dtype
    numbers: Mapping[str, int]
    bytes: Mapping[str, int]


def asset(name: str) -> Path:
    """Path of a file that ships with the package. Raises `AssetError` if it is missing."""
    path = Path(__file__).parents[1] / "assets" / name
    if not path.exists():
        raise AssetError(
            f"{path} is missing; reinstall the pack, or rebuild it with "
            "`python -m facea_core.tiny.pretrain`"
        )
    return path


def open_base(base: str | Path) -> Stored:
    """The checkpoint that `base` names: a path, or "tiny" for the embedded facea-tiny."""
    return open_stored(asset(TINY_FILE) if str(base) == "tiny" else Path(base))


def inspect_checkpoint(base: str | Path, *, prediction: str | None = None) -> CheckpointHeader:
    """What `load_backbone` would load, without reading its tensors; raises the same errors."""
    stored = open_base(base)
    family, inpainting = identify(stored.parts, stored.name)
    spec = family.variant(inpainting, prediction_of(stored, family, inpainting, prediction))
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
        spec,
        _widest(floats["unet"]),
        {name: sum(slot.numbers for slot in slots) for name, slots in floats.items()},
        {
            name: sum(slot.numbers * DTYPES[slot.dtype].itemsize for slot in slots)
            for name, slots in floats.items()
        },
    )


def prediction_of(
    stored: Stored, family: Family, inpainting: bool, asked: str | None
) -> str | None:
    """What the U-Net predicts: as asked, or as the checkpoint says; None = as its family does."""
    prediction = asked or stored.prediction
    if prediction is not None and prediction not in PREDICTIONS:
        who = "prediction" if asked else f"the prediction that {stored.name} states"
        raise (ConfigError if asked else BackboneError)(
            f"{who} is {quoted(prediction)}, which is unknown; choose one of: "
            f"{', '.join(PREDICTIONS)}"
        )
    if prediction is None and family is SD2 and not inpainting:
        # Nothing in the file says it, but the models that predict v have a wider last norm: the
        # rule that ComfyUI goes by.
        norm = {key: slot for key, slot in stored.parts.unet.items() if key in _LAST_NORM}
        wide = any(t.float().std(correction=0) > 0.09 for t in read_tensors(norm).values())
        return "v_prediction" if wide else "epsilon"
    return prediction


def _widest(slots: list[Slot]) -> torch.dtype:
    return max({DTYPES[slot.dtype] for slot in slots}, key=lambda dtype: dtype.itemsize)
