"""Where things lie: always asked of ComfyUI, so that extra model paths are honoured."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import folder_paths

from ...facea_core.errors import AssetError, ConfigError
from ...facea_core.identity import load_identity, peek_identity
from ...facea_core.types import Identity

NONE = "none"
"""The choice of no file."""

_OWN = "facea"


def identities_folder() -> Path:
    """Where trained people are saved: `facea` in the first folder of LoRAs."""
    return Path(folder_paths.get_folder_paths("loras")[0]) / _OWN


def embeddings_folder() -> Path:
    return Path(folder_paths.get_folder_paths("embeddings")[0])


def runs_folder() -> Path:
    """Where unfinished trainings keep their state; outlives a restart, unlike the temp folder."""
    return Path(folder_paths.get_user_directory()) / _OWN / "runs"


def identity_files() -> list[str]:
    """Every LoRA file that is an identity, whatever it is called, as ComfyUI lists it."""
    names = [n for n in folder_paths.get_filename_list("loras") if n.endswith(".safetensors")]
    return [NONE, *(name for name in names if _is_identity(name))]


def identity_path(name: str) -> Path:
    """The file of that name in the folders of LoRAs. Raises AssetError with where it was sought."""
    found = folder_paths.get_full_path("loras", name)
    if found is None:
        searched = ", ".join(folder_paths.get_folder_paths("loras"))
        raise AssetError(
            f"there is no identity {name!r} in {searched}; train it, or choose another"
        )
    return Path(found)


def chosen_identity(name: str, wired: Identity | None) -> Identity:
    """The wired identity, else the one in the file of that name. Raises ConfigError for neither."""
    if wired is not None:
        return wired
    if name == NONE:
        raise ConfigError("no person is given: choose a file, or wire an identity")
    return load_identity(identity_path(name))


def relative_name(path: Path) -> str:
    """How ComfyUI's file lists call a file in the folder of LoRAs."""
    return str(path.relative_to(identities_folder().parent))


def file_fingerprint(name: str) -> str:
    """Changes when the file does, so that an edited identity is read again."""
    path = folder_paths.get_full_path("loras", name) if name != NONE else None
    if path is None:
        return name
    stat = Path(path).stat()
    return f"{name} {stat.st_mtime_ns} {stat.st_size}"


def _is_identity(name: str) -> bool:
    path = folder_paths.get_full_path("loras", name)
    if path is None:
        return False
    stat = Path(path).stat()
    return _peek(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _peek(path: str, modified: int, size: int) -> bool:
    return peek_identity(path) is not None
