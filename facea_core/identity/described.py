"""What an identity file says about itself, checked as loading checks it, without torch.

torch takes seconds to import, and a command that only tells of a file shall not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import AssetError, IdentityFormatError
from ..io.files import open_plain
from ..io.tensor_files import Header, check_arrays, read_arrays, read_header
from ..types import Identity, IdentityMeta
from .metadata import FORMAT, META, read_metadata
from .stated import Stated, check_entries, lora_keys, read_stated

LARGEST = 8 << 30
"""Bytes of the largest identity that is read; one of the highest rank, on every layer of SDXL, has
six billion."""


@contextmanager
def opened_identity(path: str | Path) -> Iterator[tuple[BinaryIO, Header, Stated]]:
    """An identity's file, its header and what it states, before any tensor is read.

    Raises what `load_identity` does; a ValueError of the block is a damage of the file.
    """
    path = Path(path)
    try:
        with open_plain(path) as file:
            header = checked_header(file, path)
            about = read_metadata(header, path)
            try:
                stated = read_stated(about)
                check_entries(stated, header.entries)
                yield file, header, stated
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


def describe_identity(path: str | Path) -> dict[str, Any]:
    """What the file says about itself, as plain JSON values. Raises as `load_identity` does."""
    path = Path(path)
    with opened_identity(path) as (file, header, stated):
        arrays = read_arrays(file, header)
        if arrays is not None:
            _check(stated, arrays)
            check_arrays(header, arrays, META)
    if arrays is None:
        # Numbers that only torch can read, as no FaceA writes them.
        from .file import load_identity

        load_identity(path)
    words = ((w.placeholder, w.attribute, w.initializer, w.encoders) for w in stated.words)
    facts = _facts(stated.name, len(stated.layers), words, stated.meta)
    return {"file": path.name, "bytes": path.stat().st_size, **facts}


def summary(identity: Identity) -> dict[str, Any]:
    """What an identity is, as plain JSON values."""
    words = (
        (w.placeholder, w.attribute, w.initializer, {e: len(rows) for e, rows in w.vectors.items()})
        for w in identity.words
    )
    return _facts(identity.name, len(identity.lora), words, identity.meta)


def _facts(
    name: str,
    layers: int,
    words: Iterable[tuple[str, str, str, Mapping[str, int]]],
    meta: IdentityMeta,
) -> dict[str, Any]:
    return {
        "name": name,
        "format": FORMAT,
        "layers": layers,
        "words": [
            {
                "prompt": f"embedding:{placeholder}",
                "attribute": attribute,
                "initializer": initializer,
                "vectors": dict(vectors),
            }
            for placeholder, attribute, initializer, vectors in words
        ],
        **asdict(meta),
    }


def _check(stated: Stated, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError for numbers that no identity holds, as loading does."""
    for key, numbers in arrays.items():
        if not np.isfinite(numbers).all():
            raise ValueError(not_finite(key))
    for layer in stated.layers:
        alpha = float(arrays[lora_keys(layer)[2]][0])
        if alpha <= 0:
            raise ValueError(bad_alpha(layer, alpha))


def not_finite(key: str) -> str:
    return f"it holds NaN or infinite numbers in {key}"


def bad_alpha(layer: str, alpha: float) -> str:
    return f"{lora_keys(layer)[2]} is {alpha}"


def checked_header(file: BinaryIO, path: Path) -> Header:
    """The header of a file that may be an identity. Raises `IdentityFormatError`."""
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
