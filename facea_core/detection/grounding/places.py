"""Where Grounding-DINO's weights lie on a user's disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...errors import AssetError
from ...io.files import read_plain

ARCHITECTURE, CONFIG = "grounding-dino", "config.json"

ENDINGS = (".safetensors", ".pth", ".pt", ".bin")

_HUB = "models--IDEA-Research--grounding-dino-*"
_LARGEST = 1 << 20  # bytes of a config.json


def usual_folders() -> list[Path]:
    """Where a shell looks: `models/grounding-dino` here, FaceA's cache, Hugging Face's cache."""
    return [Path("models", "grounding-dino"), cache_folder(), *hub_folders()]


def cache_folder() -> Path:
    """Where a shell keeps what it fetched."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "facea" / "grounding-dino"


def hub_folders() -> list[Path]:
    """What transformers or another pack fetched from the Hugging Face hub before."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    with suppress(OSError):
        return sorted(model / "snapshots" for model in hub.glob(_HUB))
    return []


def existing(path: str | Path) -> Path:
    """The path, or AssetError if nothing is there."""
    path = Path(path)
    try:
        path.stat()
    except FileNotFoundError as error:
        raise AssetError(
            f"there is no detector at {path}; check the path, or download it"
        ) from error
    except (OSError, ValueError) as error:
        raise AssetError(
            f"cannot read {path} ({error}); check the path and its permissions"
        ) from error
    return path


def find_weights(folders: Iterable[Path]) -> list[Path]:
    """Grounding-DINO files and Hugging Face folders in `folders`, by name; nothing is opened.

    A file counts by its name, because folders are shared with other packs; a folder if its
    `config.json` says that it is one. What does not exist or cannot be read is ignored, for
    hosts ask while they draw their lists.
    """
    found = []
    for folder in folders:
        with suppress(OSError):
            found += sorted(entry for entry in folder.iterdir() if _is_weights(entry))
    return found


def _is_weights(path: Path) -> bool:
    plain = path.name.lower().replace("-", "").replace("_", "")
    named = path.suffix.lower() in ENDINGS and "groundingdino" in plain
    try:
        return (named and path.is_file()) or (path.is_dir() and kind_of(path) == ARCHITECTURE)
    except OSError:
        return False


def kind_of(folder: Path) -> str | None:
    """The `model_type` in a folder's `config.json`; None if there is no readable one."""
    try:
        return json.loads(read_plain(folder / CONFIG, _LARGEST))["model_type"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
