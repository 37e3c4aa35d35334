"""The identity file: LoRA, words and metadata in one safetensors that stock ComfyUI reads.

LoRA tensors carry kohya's names, the only ones that ComfyUI maps onto a U-Net's attention; words
carry OneTrainer's `bundle_emb.` names. Equal identities give equal bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import AssetError, IdentityFormatError
from ..files import first_bytes, open_plain
from ..images import atomic_path
from ..sealed import Header, check_seal, read_header, read_tensors, sealed
from ..types import Identity, LoraWeights, Word
from .metadata import FORMAT, MARK, META, file_metadata, read_metadata
from .stated import Stated, check_entries, counts, lora_keys, read_stated, word_key

LARGEST = 8 << 30
"""Bytes of the largest identity that is read; one of the highest rank, on every layer of SDXL, has
six billion."""

_FIRST = 1 << 13


def save_identity(identity: Identity, path: str | Path) -> str:
    """Write the file, read it back, and say "N/N keys, M/M words".

    The file appears complete and verified or not at all. Raises `AssetError` if it cannot be
    written or does not read back as it was written.
    """
    path = Path(path)
    tensors = identity_tensors(identity)
    with atomic_path(path) as temporary:
        temporary.write_bytes(sealed(tensors, file_metadata(identity), META))
        back = identity_tensors(load_identity(temporary))
        same = [key for key in tensors if key in back and torch.equal(tensors[key], back[key])]
        keys, words = counts(tensors)
        keys_back, words_back = counts(same)
        if len(same) < len(tensors) or len(back) != len(tensors):
            raise AssetError(
                f"{path} did not read back as written ({keys_back}/{keys} keys, "
                f"{words_back}/{words} words); check the disk and save again"
            )
    return f"{keys_back}/{keys} keys, {words_back}/{words} words"


def load_identity(path: str | Path) -> Identity:
    """Read an identity; what it is comes from its keys and metadata, never from the file's name.

    Raises `AssetError` (no such file, no plain file, unreadable), `IdentityFormatError` (not
    safetensors, cut off, not an identity, tensors missing or damaged, a checksum that does not
    hold, or written by a newer version).
    """
    path = Path(path)
    try:
        with open_plain(path) as file:
            header = _header(file, path)
            about = read_metadata(header, path)
            try:
                stated = read_stated(about)
                check_entries(stated, header.entries)
                tensors = read_tensors(file, header)
                identity = _identity(stated, tensors)
                check_seal(header, tensors, META)
            except ValueError as error:
                raise IdentityFormatError(
                    f"{path.name} is damaged, or was changed by another tool: {error}; use the "
                    "original file, or train the person again"
                ) from error
    except OSError as error:
        raise AssetError(
            f"cannot read {path} ({error.strerror or error}); check the path and its permissions"
        ) from error
    except MemoryError as error:
        raise AssetError(f"cannot read {path}: there is no memory for it") from error
    return identity


def peek_identity(path: str | Path) -> dict[str, Any] | None:
    """What the header of a file says, without its tensors; None if it is no readable identity.

    `{"name": ..., "words": [...], "layers": [...], "training": {"origin": ..., ...}}`. Never
    raises, whatever the disk does.
    """
    path = Path(path)
    try:
        with open_plain(path) as file:
            about = read_metadata(_header(file, path), path)
            read_stated(about)
            return about
    except (OSError, ValueError):
        return None


def identities_of(folder: str | Path, name: str) -> Iterator[Identity]:
    """Every readable identity of that name in a folder, earlier trainings' among them."""
    for path in sorted(Path(folder).glob(f"{name}*.safetensors")):
        with suppress(AssetError, IdentityFormatError):
            if (identity := load_identity(path)).name == name:
                yield identity


def may_be_identity(path: str | Path) -> bool:
    """Whether a plain file begins as identities do: a look of microseconds, for thousands of files.

    Never raises. What another tool gave kilobytes of metadata of its own may be overlooked.
    """
    try:
        return MARK in first_bytes(path, _FIRST)
    except (OSError, ValueError):
        return False


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


def identity_tensors(identity: Identity) -> dict[str, Tensor]:
    """The identity under the names that files and ComfyUI use, float32 on the CPU."""
    out = {}
    for layer, weights in identity.lora.items():
        down, up, alpha = lora_keys(layer)
        out[down], out[up], out[alpha] = weights.down, weights.up, torch.tensor(weights.alpha)
    for word in identity.words:
        for encoder, vectors in word.vectors.items():
            out[word_key(word.placeholder, encoder)] = vectors
    return {key: value.detach().to("cpu", torch.float32).contiguous() for key, value in out.items()}


def _header(file: Any, path: Path) -> Header:
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST:
        raise IdentityFormatError(
            f"{path.name} has {size / 1e9:.1f} GB, more than any identity; choose a file that "
            "FaceA trained"
        )
    try:
        return read_header(file)
    except ValueError as error:
        raise IdentityFormatError(
            f"{path.name} is not a safetensors file, or is damaged ({error}); copy or download it "
            "again. Identities are never read from pickles (.pt, .ckpt, .bin)"
        ) from error


def _identity(stated: Stated, tensors: Mapping[str, Tensor]) -> Identity:
    """Raises ValueError for numbers that are none, in the files or after they became float32."""
    numbers = {key: tensor.float() for key, tensor in tensors.items()}
    for key, tensor in numbers.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"it holds NaN or infinite numbers in {key}")
    words = tuple(
        Word(
            word.placeholder,
            word.attribute,
            word.initializer,
            {encoder: numbers[word_key(word.placeholder, encoder)] for encoder in word.encoders},
        )
        for word in stated.words
    )
    lora = {}
    for layer in stated.layers:
        down, up, alpha = (numbers[key] for key in lora_keys(layer))
        if alpha <= 0:
            raise ValueError(f"{lora_keys(layer)[2]} is {float(alpha)}")
        lora[layer] = LoraWeights(down, up, float(alpha))
    return Identity(stated.name, words, lora, stated.meta)
