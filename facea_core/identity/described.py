"""What an identity file says about itself, checked as loading checks it, without torch.

torch takes seconds to import, and a command that only tells of a file shall not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..io.files import first_bytes, open_plain
from ..io.tensor_files import check_arrays, read_arrays
from ..types import Identity, IdentityMeta
from .metadata import FORMAT, MARKS, META, read_metadata
from .opened import bad_alpha, checked_header, not_finite, opened_identity
from .stated import Stated, lora_keys, read_stated, word_key

_FIRST = 1 << 13


def peek_identity(path: str | Path) -> dict[str, Any] | None:
    """What the header of a file says, without its tensors; None if it is no readable identity.

    `{"name": ..., "words": [...], "layers": [...], "training": {"origin": ..., ...}}`. Never
    raises, whatever the disk does.
    """
    path = Path(path)
    try:
        with open_plain(path) as file:
            about = read_metadata(checked_header(file, path), path)
            read_stated(about)
            return about
    except (OSError, ValueError):
        return None


def may_be_identity(path: str | Path) -> bool:
    """Whether a plain file begins as identities do: a look of microseconds, for thousands of files.

    Never raises. What another tool gave kilobytes of metadata of its own may be overlooked.
    """
    try:
        first = first_bytes(path, _FIRST)
        return any(mark in first for mark in MARKS)
    except (OSError, ValueError):
        return False


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

        facts = summary(load_identity(path))
        return {"file": path.name, "bytes": path.stat().st_size, **facts}
    words = (
        (
            w.placeholder, w.attribute, w.initializer,
            {e: arrays[word_key(w.placeholder, e)].reshape(n, -1) for e, n in w.encoders.items()},
        )
        for w in stated.words
    )  # fmt: skip
    facts = _facts(stated.name, len(stated.layers), words, stated.meta)
    return {"file": path.name, "bytes": path.stat().st_size, **facts}


def summary(identity: Identity) -> dict[str, Any]:
    """What an identity is, as plain JSON values."""
    words = (
        (
            w.placeholder, w.attribute, w.initializer,
            {encoder: rows.detach().cpu().numpy() for encoder, rows in w.vectors.items()},
        )
        for w in identity.words
    )  # fmt: skip
    facts = _facts(identity.name, len(identity.lora), words, identity.meta)
    parts = {part: one.name for part, one in identity.parts.items()}
    return {**facts, "parts": parts} if parts else facts


def _facts(
    name: str,
    layers: int,
    words: Iterable[tuple[str, str, str, Mapping[str, np.ndarray]]],
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
                "vectors": {encoder: len(rows) for encoder, rows in vectors.items()},
                "norms": {encoder: {"norm": _norm(rows)} for encoder, rows in vectors.items()},
            }
            for placeholder, attribute, initializer, vectors in words
        ],
        **asdict(meta),
    }


def _norm(rows: np.ndarray) -> float:
    """The mean length of a word's rows `(n, D)`."""
    return round(float(np.linalg.norm(rows.astype(np.float64), axis=1).mean()), 4)


def _check(stated: Stated, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError for numbers that no identity holds, as loading does."""
    for key, numbers in arrays.items():
        if not np.isfinite(numbers).all():
            raise ValueError(not_finite(key))
    for layer in stated.layers:
        alpha = float(arrays[lora_keys(layer)[2]][0])
        if alpha <= 0:
            raise ValueError(bad_alpha(layer, alpha))
