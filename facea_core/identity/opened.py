"""An identity file before any tensor of it is read: its header, and what it states."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import AssetError, IdentityFormatError
from ..io.files import open_plain, readable
from ..io.tensor_files import Header, read_header
from .metadata import read_metadata
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
        with readable(path), open_plain(path) as file:
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
    except MemoryError as error:
        raise AssetError(f"cannot read {path}: there is no memory for it") from error


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
