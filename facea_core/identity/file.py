"""The identity file: LoRA, words and metadata in one safetensors that stock ComfyUI reads.

LoRA tensors carry kohya's names, the only ones that ComfyUI maps onto a U-Net's attention; words
carry OneTrainer's `bundle_emb.` names. Equal identities give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import AssetError, IdentityFormatError
from ..images import atomic_path
from ..types import Identity, IdentityMeta, LoraWeights, Word
from .metadata import FORMAT, canonical, file_metadata, read_metadata
from .words import check_name

_LORA = "lora_unet_"
_WORD = "bundle_emb."


def save_identity(identity: Identity, path: str | Path) -> str:
    """Write the file, read it back, and say "N/N keys, M/M words".

    The file appears complete and verified or not at all. Raises `AssetError` if it cannot be
    written or does not read back as it was written.
    """
    path = Path(path)
    tensors = identity_tensors(identity)
    with atomic_path(path) as temporary:
        temporary.write_bytes(canonical(save(tensors, file_metadata(identity))))
        back = identity_tensors(load_identity(temporary))
        same = [key for key in tensors if key in back and torch.equal(tensors[key], back[key])]
        keys, words = _counts(tensors)
        keys_back, words_back = _counts(same)
        if len(same) < len(tensors) or len(back) != len(tensors):
            raise AssetError(
                f"{path} did not read back as written ({keys_back}/{keys} keys, "
                f"{words_back}/{words} words); check the disk and save again"
            )
    return f"{keys_back}/{keys} keys, {words_back}/{words} words"


def load_identity(path: str | Path) -> Identity:
    """Read an identity; what it is comes from its keys and metadata, never from the file's name.

    Raises `AssetError` (no such file, unreadable), `IdentityFormatError` (not safetensors, cut off,
    not an identity, tensors missing or damaged, or written by a newer version).
    """
    path = Path(path)
    metadata, tensors = _read(path)
    meta = read_metadata(metadata, path)
    names = [field.name for field in fields(IdentityMeta)]
    try:
        words = tuple(
            Word(
                placeholder=word["placeholder"],
                attribute=word["attribute"],
                initializer=word["initializer"],
                vectors={
                    e: tensors.pop(_word_key(word["placeholder"], e)) for e in word["encoders"]
                },
            )
            for word in meta["words"]
        )
        lora = {layer: _take(tensors, layer) for layer in meta["layers"]}
        about = meta["training"]
        identity = Identity(
            name=check_name(meta["name"]),
            words=words,
            lora=lora,
            meta=IdentityMeta(**{name: about[name] for name in names if name in about}),
        )
    except KeyError as error:
        raise IdentityFormatError(
            f"{path.name} is damaged: {error} is missing; copy or train it again"
        ) from error
    except (TypeError, ValueError) as error:
        raise IdentityFormatError(
            f"{path.name} is damaged: {error}; copy or train it again"
        ) from error
    if tensors:
        raise IdentityFormatError(
            f"{path.name} holds {len(tensors)} tensors that its metadata does not name (first: "
            f"{min(tensors)}); it was changed by another tool: use the original file"
        )
    _check_values(identity, path)
    return identity


def peek_identity(path: str | Path) -> dict[str, Any] | None:
    """What the header of a file says, without its tensors; None if it is no readable identity.

    `{"name": ..., "words": [...], "layers": [...], "training": {"origin": ..., ...}}`.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            return read_metadata(file.metadata() or {}, path)
    except (SafetensorError, OSError, IdentityFormatError):
        return None


def describe_identity(path: str | Path) -> dict[str, Any]:
    """What the file says about itself, as plain JSON values. Raises as `load_identity` does."""
    path = Path(path)
    identity = load_identity(path)
    return {"file": path.name, "bytes": path.stat().st_size, **summary(identity)}


def summary(identity: Identity) -> dict[str, Any]:
    """What an identity is, as plain JSON values."""
    return {
        "name": identity.name,
        "format": FORMAT,
        "layers": len(identity.lora),
        "words": [
            {
                "prompt": f"embedding:{word.placeholder}",
                "attribute": word.attribute,
                "initializer": word.initializer,
                "vectors": {encoder: len(rows) for encoder, rows in word.vectors.items()},
            }
            for word in identity.words
        ],
        **asdict(identity.meta),
    }


def export_words(identity: Identity, folder: str | Path) -> tuple[Path, ...]:
    """One file per word, `<folder>/<identity>/<attribute>.safetensors`, for an embeddings folder.

    There stock ComfyUI finds each word under the spelling that it has in prompts. Raises
    `AssetError` if a file cannot be written.
    """
    paths = []
    for word in identity.words:
        path = Path(folder) / f"{word.placeholder}.safetensors"
        vectors = {name: rows.float().contiguous() for name, rows in word.vectors.items()}
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(vectors))
        paths.append(path)
    return tuple(paths)


def kohya_name(layer: str) -> str:
    """Dotted path in the diffusers U-Net -> the name ComfyUI and kohya's tools know it by."""
    return _LORA + layer.replace(".", "_")


def _word_key(placeholder: str, encoder: str) -> str:
    return f"{_WORD}{placeholder}.{encoder}"


def identity_tensors(identity: Identity) -> dict[str, Tensor]:
    """The identity under the names that files and ComfyUI use, float32 on the CPU."""
    out = {}
    for layer, weights in identity.lora.items():
        name = kohya_name(layer)
        out[f"{name}.lora_down.weight"] = weights.down
        out[f"{name}.lora_up.weight"] = weights.up
        out[f"{name}.alpha"] = torch.tensor(weights.alpha)
    for word in identity.words:
        for encoder, vectors in word.vectors.items():
            out[_word_key(word.placeholder, encoder)] = vectors
    return {key: value.detach().to("cpu", torch.float32).contiguous() for key, value in out.items()}


def _take(tensors: dict[str, Tensor], layer: str) -> LoraWeights:
    name = kohya_name(layer)
    down = tensors.pop(f"{name}.lora_down.weight")
    up = tensors.pop(f"{name}.lora_up.weight")
    if up.ndim < 2 or down.ndim < 2 or up.shape[1] != down.shape[0]:
        raise ValueError(f"{name} has shapes {tuple(down.shape)} and {tuple(up.shape)}")
    return LoraWeights(down, up, alpha=float(tensors.pop(f"{name}.alpha")))


def _counts(keys: Any) -> tuple[int, int]:
    """(LoRA tensors, words); a word counts once per text encoder."""
    return sum(k.startswith(_LORA) for k in keys), sum(k.startswith(_WORD) for k in keys)


def _read(path: Path) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            # Copies: a tensor that still maps the file would keep Windows from replacing it.
            names = list(file.keys())
            tensors = {key: file.get_tensor(key).to(torch.float32, copy=True) for key in names}
            return file.metadata() or {}, tensors
    except SafetensorError as error:
        raise IdentityFormatError(
            f"{path.name} is not a safetensors file, or was cut off ({error}); copy or download it "
            "again. Identities are never read from pickles (.pt, .ckpt, .bin)"
        ) from error
    except OSError as error:
        raise AssetError(
            f"cannot read {path} ({error.strerror or error}); check the path and its permissions"
        ) from error


def _check_values(identity: Identity, path: Path) -> None:
    for key, tensor in identity_tensors(identity).items():
        if not torch.isfinite(tensor).all():
            raise IdentityFormatError(
                f"{path.name} holds NaN or infinite numbers in {key}; train the person again"
            )
