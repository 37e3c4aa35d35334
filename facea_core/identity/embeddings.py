"""Each word of a person in a file of its own, where stock ComfyUI looks for embeddings.

That folder is the user's: a file in it that FaceA did not write is never written over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from ..attributes import Attribute
from ..errors import AssetError
from ..io.files import atomic_path, open_plain
from ..io.tensor_files import Entry, read_header, read_tensors, sealed
from ..types import Identity
from .names import placeholder

_WORD = "facea.word"
"""The metadata's key by which FaceA knows a file of its own; it holds the placeholder."""


def export_words(
    identity: Identity, folder: str | Path, earlier: Iterable[Identity] = ()
) -> tuple[Path, ...]:
    """One file per word, `<folder>/<identity>/<attribute>.safetensors`, for an embeddings folder.

    There stock ComfyUI finds each word under the spelling that it has in prompts. Files that FaceA
    did not write stay: it knows its own by their metadata, those of earlier versions by their rows,
    which are this identity's or one of `earlier`. Raises `AssetError` for any other file in the
    way, and if a file cannot be written.
    """
    names = [word.placeholder for word in identity.words]
    paths = _paths(names, folder)
    _refuse_strangers(paths, chain([identity], earlier))
    for path, word in zip(paths, identity.words, strict=True):
        vectors = {name: rows.float().cpu().contiguous() for name, rows in word.vectors.items()}
        with atomic_path(path) as temporary:
            temporary.write_bytes(sealed(vectors, {_WORD: word.placeholder}, _WORD))
    return paths


def check_words_free(
    name: str, table: Sequence[Attribute], folder: str | Path, earlier: Iterable[Identity] = ()
) -> None:
    """Raise `AssetError` if `export_words` would for an identity with this name and these words.

    Meant for the moment before the training.
    """
    _refuse_strangers(_paths([placeholder(name, one) for one in table], folder), earlier)


def _paths(placeholders: Iterable[str], folder: str | Path) -> tuple[Path, ...]:
    root = Path(os.path.abspath(folder))
    paths = tuple(Path(folder) / f"{key}.safetensors" for key in placeholders)
    for path in paths:
        if not Path(os.path.abspath(path)).is_relative_to(root):
            raise AssetError(f"cannot write {path}: it lies outside of {folder}")
    return paths


def _refuse_strangers(paths: Sequence[Path], known: Iterable[Identity]) -> None:
    strangers = [path for path in paths if os.path.lexists(path) and not _has_mark(path)]
    if not strangers:
        return
    rows = [word.vectors for identity in known for word in identity.words]
    for path in strangers:
        stored = _tensors(path)
        if not any(_equal(stored, vectors) for vectors in rows):
            raise AssetError(
                f"{path} is in the way: FaceA did not write it, and does not write over it. Move "
                "it elsewhere, give the person another name, or switch save_words off"
            )


def _has_mark(path: Path) -> bool:
    try:
        with open_plain(path) as file:
            return _WORD in read_header(file).metadata
    except (OSError, ValueError):
        return False


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        with open_plain(path) as file:
            header = read_header(file)
            return read_tensors(file, header) if _is_small(header.entries.values()) else {}
    except (OSError, ValueError):
        return {}


def _is_small(entries: Iterable[Entry]) -> bool:
    return sum(entry.end - entry.begin for entry in entries) < 1 << 24


def _equal(stored: Mapping[str, Tensor], vectors: Mapping[str, Tensor]) -> bool:
    return stored.keys() == vectors.keys() and all(
        torch.equal(stored[name], rows) for name, rows in vectors.items()
    )
