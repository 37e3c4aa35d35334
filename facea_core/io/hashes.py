"""What tells one file, image or set of values from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from ..errors import ImageError


def sha256_of(path: Path) -> str:
    """Of a file's bytes; raises ImageError if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ImageError(f"cannot read {path} ({error.strerror}); take it away") from error


def has_sha256(path: Path, sha256: object) -> bool:
    """Whether the file is there and its bytes are those."""
    with suppress(ImageError):
        return sha256_of(path) == sha256
    return False


def image_sha256(image: Tensor) -> str:
    """Of an image's values, for one that has no file."""
    return hashlib.sha256(image.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def hash_of(about: Mapping[str, object]) -> str:
    """16 hex digits over plain values, as JSON has them, in any order of their names."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
