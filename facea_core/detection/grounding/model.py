"""Grounding-DINO's weights: read without running anything in them, made into a model."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ...errors import AssetError, DetectorError
from . import keys
from .places import ARCHITECTURE, CONFIG, existing, kind_of

if TYPE_CHECKING:
    from transformers import GroundingDinoForObjectDetection

TOKENIZER = Path(__file__).parents[2] / "assets" / "bert-tokenizer"
"""The vocabulary of bert-base-uncased (Apache-2.0), which every Grounding-DINO reads."""

_WHOLE = "give groundingdino_swint_ogc, groundingdino_swinb_cogcoor or a folder of theirs"

# What a model makes itself, whatever its file holds.
_NEVER_SAVED = (".swin.layernorm.", ".model.layernorm.")


@dataclass(frozen=True)
class Variant:
    """A published size; `swin` is the configuration of its vision backbone."""

    name: str
    swin: Mapping[str, Any]


VARIANTS: dict[int, Variant] = {
    96: Variant(
        "SwinT",
        {
            "image_size": 224,
            "window_size": 7,
            "embed_dim": 96,
            "depths": [2, 2, 6, 2],
            "num_heads": [3, 6, 12, 24],
            "out_indices": [2, 3, 4],
        },
    ),
    128: Variant(
        "SwinB",
        {
            "image_size": 384,
            "window_size": 12,
            "embed_dim": 128,
            "depths": [2, 2, 18, 2],
            "num_heads": [4, 8, 16, 32],
            "out_indices": [2, 3, 4],
        },
    ),
}
"""By the channels of the first stage."""


def load_model(path: str | Path) -> GroundingDinoForObjectDetection:
    """The model in `path`, float32, on the CPU, in inference mode of its layers.

    `path` is a Hugging Face folder, or one file in the authors' layout (`groundingdino_swint_ogc`,
    `groundingdino_swinb_cogcoor`, as .pth or .safetensors) or in the published one. Raises
    AssetError if it does not exist, DetectorError if it is damaged, another architecture, holds
    more than tensors, or lacks or has left over any tensor: a model that half loads is no model.
    """
    from transformers import BertConfig, GroundingDinoConfig, SwinConfig
    from transformers import GroundingDinoForObjectDetection as Model

    path = Path(path)
    state = read_weights(path)
    if path.is_dir():
        config = GroundingDinoConfig.from_pretrained(str(path), local_files_only=True)
    else:
        variant = VARIANTS.get(keys.patch_width(state))
        if variant is None:
            raise DetectorError(
                f"{path} is no Grounding-DINO of a known size (SwinT, SwinB); {_WHOLE}"
            )
        config = GroundingDinoConfig(
            backbone_config=SwinConfig(**variant.swin), text_config=BertConfig()
        )
    if keys.layout(state) == "original":
        state = keys.to_published(state)
    state = keys.with_indexes(state)
    build: Any = Model.from_pretrained
    try:
        model, info = build(None, config=config, state_dict=state, output_loading_info=True)
    except (RuntimeError, ValueError) as error:
        raise DetectorError(
            f"{path} does not fit Grounding-DINO ({_first_line(error)}); {_WHOLE}"
        ) from error
    _check_complete(path, info)
    state_positions(model.model)
    return model.eval()


def state_positions(inner: Any) -> None:
    """Makes this model count the words of a phrase as the authors' code does, in every version.

    The first versions of transformers 5 give the full stop after a phrase the position of its first
    word, and some cut the sines of positions to whole numbers: both change every score.
    """
    inner.text_backbone.register_forward_pre_hook(_to_bert)
    inner.encoder.register_forward_pre_hook(_to_encoder, with_kwargs=True)


def _to_bert(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    tokens, mask, kinds, positions, *rest = given
    return tokens, mask, kinds, _positions(mask).to(positions), *rest


def _to_encoder(_: Any, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    positions = _positions(~named["text_self_attention_masks"]).float()
    return given, named | {"text_position_ids": positions}


def _positions(mask: Tensor) -> Tensor:
    """(B, L) of who sees whom: words of a phrase see each other and its full stop, nobody else."""
    mask = mask.squeeze(1) if mask.ndim == 4 else mask
    return mask.bool().tril(-1).sum(-1)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file, or of the weights in a Hugging Face folder, on the CPU.

    Pickled files are read with `weights_only`: nothing in them can run. Raises AssetError and
    DetectorError as `load_model` does, where the tensors alone show it.
    """
    path = existing(path)
    state: dict[str, Tensor] = {}
    for file in _weight_files(path) if path.is_dir() else [path]:
        state |= _read_file(file)
    state = keys.bare(state)
    if not keys.layout(state):
        raise DetectorError(
            f"{path} holds {len(state)} tensors, but is not Grounding-DINO (no text projection in "
            f"it); {_WHOLE}"
        )
    return state


def _weight_files(folder: Path) -> list[Path]:
    kind = kind_of(folder)
    if kind is None:
        raise DetectorError(f"{folder} has no readable {CONFIG} with a model_type; {_WHOLE}")
    if kind != ARCHITECTURE:
        raise DetectorError(f"{folder} is a model of the kind {kind!r}, not {ARCHITECTURE!r}")
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        if files := sorted(folder.glob(pattern)):
            return files
    raise AssetError(
        f"{folder} has a {CONFIG}, but no *.safetensors and no pytorch_model.bin; the download "
        "was perhaps not finished: fetch these files too"
    )


def _read_file(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        # Files that are not zip archives cannot be mapped into memory.
        mapped = zipfile.is_zipfile(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise DetectorError(
            f"{path} is damaged, or holds more than tensors: it could run a program when opened, "
            "and was refused. Download it again, or take a .safetensors file"
        ) from error
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, LookupError) as error:
        raise DetectorError(
            f"{path} cannot be read ({_first_line(error)}); it may be truncated: download it again"
        ) from error
    for name in ("model", "state_dict"):
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping):
        raise DetectorError(f"{path} holds a {type(state).__name__}, not named tensors; {_WHOLE}")
    return {str(key): value for key, value in state.items() if isinstance(value, Tensor)}


def _check_complete(path: Path, info: Mapping[str, Any]) -> None:
    missing = [key for key in info["missing_keys"] if not any(n in key for n in _NEVER_SAVED)]
    unexpected = list(info["unexpected_keys"])
    if missing or unexpected or info["mismatched_keys"]:
        examples = ", ".join(map(str, [*missing, *unexpected, *info["mismatched_keys"]][:3]))
        raise DetectorError(
            f"{path} does not fit Grounding-DINO: {len(missing)} tensors missing, "
            f"{len(unexpected)} unknown, {len(info['mismatched_keys'])} of another shape (such as "
            f"{examples}); {_WHOLE}"
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
