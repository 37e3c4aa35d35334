"""Checkpoints on disk: what their headers say, without reading tensors; and which are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from ..errors import AssetError, BackboneError
from ..io.files import readable
from ..io.model_kinds import adapter, kind_of
from .folder import WEIGHTS, Folder, find_checkpoint, other_schedule
from .keys import UNET_PREFIX
from .parts import Parts, split

if TYPE_CHECKING:
    from torch import Tensor

FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Numbers that can be trained on, as safetensors and as torch call them."""
_BEGINNINGS = (
    (b"GGUF", "is a GGUF file"),
    (b"PK\x03\x04", "is a pickle, which can run code"),
    (b"\x80", "is a pickle, which can run code"),
    (b"version https://git-lfs", "is only a pointer of git-lfs; download the file itself"),
    (b"<", "is a web page, not a model; download it again"),
)
_CONVERT = "; give the model as .safetensors in fp16, bf16 or fp32"


@dataclass(frozen=True)
class Slot:
    """One tensor of a file. `dtype` is spelled as in safetensors: F16, BF16, F8_E4M3, ..."""

    file: Path
    key: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Stored:
    """A checkpoint on disk by its modules.

    `prediction` is what it says of itself, if it does; `vae_name` the file of a VAE that is not its
    own.
    """

    name: str
    parts: Parts[Slot]
    prediction: str | None = None
    vae_name: str | None = None


def open_stored(path: Path) -> Stored:
    """What a .safetensors file, or a folder that holds one model, holds.

    Raises AssetError if there is nothing, BackboneError for what cannot be used: other formats,
    damaged files, 8-bit weights, LoRAs, parts of a model, other noise schedules.
    """
    path = find_checkpoint(path)
    if path.is_dir():
        return _folder(Folder(path))
    if not path.is_file():
        raise AssetError(
            f"checkpoint {path} does not exist; give a .safetensors file, a diffusers folder, "
            "or 'tiny'"
        )
    slots, metadata = read_header(path)
    parts = split(slots)
    shapes = {key: slot.shape for key, slot in slots.items()}
    if not any(key.startswith(UNET_PREFIX) for key in slots):
        if kind := adapter(shapes):
            raise BackboneError(
                f"{path.name} is {kind}, which only changes a model; give the checkpoint that it "
                "was made for"
            )
        kind = kind_of(shapes)
        if kind is not None and kind not in ("only a U-Net", "a whole checkpoint"):
            raise BackboneError(f"{path.name} is {kind}; give a whole checkpoint")
    if any(key == "ztsnr" or key.startswith("edm_") for key in slots):
        raise BackboneError(_other_schedule(path.name, "zero terminal SNR or EDM"))
    said = metadata.get("modelspec.prediction_type", "v" if "v_pred" in slots else None)
    return Stored(path.name, parts, said)


def _folder(folder: Folder) -> Stored:
    schedule = folder.config("scheduler", "scheduler_config.json")
    if other := other_schedule(schedule):
        raise BackboneError(_other_schedule(folder.name, other))

    def part(module: str, stem: str) -> dict[str, Slot]:
        headers = [read_header(file)[0] for file in folder.files(module, stem)]
        return {key: slot for header in headers for key, slot in header.items()}

    encoders = (part("text_encoder", "model"), part("text_encoder_2", "model"))
    parts = Parts(
        unet=part("unet", WEIGHTS),
        vae=part("vae", WEIGHTS),
        text=tuple(encoder for encoder in encoders if encoder),
    )
    said = schedule.get("prediction_type")
    return Stored(folder.name, parts, None if said is None else str(said))


def read_header(path: Path) -> tuple[dict[str, Slot], dict[str, str]]:
    """Tensor names to slots, and the metadata, of a .safetensors file.

    Raises AssetError for a file that may not be read, BackboneError for one that cannot be used.
    """
    with readable(path), path.open("rb") as file:
        begin = file.read(32)
    for beginning, what in _BEGINNINGS:
        # A safetensors file may begin with any bytes: its length. Then comes JSON.
        if begin.startswith(beginning) and begin[8:9] != b"{":
            advice = "" if ";" in what else _CONVERT
            raise BackboneError(f"{path.name} {what}{advice}")
    slots = {}
    try:
        # Only the header is read, for which no torch is needed.
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            for key in file.keys():  # noqa: SIM118 (it is no mapping)
                piece = file.get_slice(key)
                slots[key] = Slot(path, key, tuple(piece.get_shape()), piece.get_dtype())
    except (SafetensorError, OSError) as error:
        more = _bytes_too_many(path)
        raise BackboneError(
            f"{path.name} has {more} bytes too many behind its last tensor; download it again, or "
            "save it anew"
            if more > 0
            else f"{path.name} cannot be read as safetensors ({error}); download it again, or "
            "convert it"
        ) from error
    for key, slot in slots.items():
        if slot.dtype.startswith("F8") or key.endswith(("scaled_fp8", "scale_weight")):
            raise BackboneError(f"{path.name} holds fp8 weights ({key}), which lose too much to "
                                f"train on{_CONVERT}")  # fmt: skip
        if slot.dtype not in FLOATS and key.endswith(".weight"):
            raise BackboneError(f"{path.name} holds quantised weights ({key}: {slot.dtype}), which "
                                f"cannot be trained on{_CONVERT}")  # fmt: skip
    return slots, metadata


def _bytes_too_many(path: Path) -> int:
    """How much longer a file is than its header says; 0 or less also where there is no header."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                return 0
            header = json.loads(file.read(length))
        ends = [about["data_offsets"][1] for key, about in header.items() if key != "__metadata__"]
        return path.stat().st_size - 8 - length - max(ends, default=0)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return 0


def read_tensors(slots: Mapping[str, Slot]) -> dict[str, Tensor]:
    """The tensors behind the slots, on the CPU; pages of the file until somebody copies them."""
    with ExitStack() as stack:
        opened = {
            file: stack.enter_context(safe_open(file, framework="pt"))
            for file in {slot.file for slot in slots.values()}
        }
        return {name: opened[slot.file].get_tensor(slot.key) for name, slot in slots.items()}


def _other_schedule(name: str, which: str) -> str:
    return (
        f"{name} was trained with another noise schedule ({which}), which FaceA does not support; "
        "give a model with the schedule of Stable Diffusion"
    )
