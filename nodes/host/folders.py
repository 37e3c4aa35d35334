"""Where things lie: always asked of ComfyUI, so that extra model paths are honoured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import folder_paths

from ...facea_core import identity
from ...facea_core.errors import AssetError, ConfigError, quoted
from ...facea_core.io.output_files import require_writable_folder
from ...facea_core.types import Identity
from .listing import identities_listed

NONE = "none"
"""The choice of no file."""

_OWN = "facea"


def identities_folders() -> list[Path]:
    """`facea` in every folder of LoRAs; people are saved in the first: the first that can be
    written, if there is any."""
    places = [Path(folder) / _OWN for folder in folder_paths.get_folder_paths("loras")]
    home = _writable(places)
    return [home, *(place for place in places if place != home)]


def loras_folder() -> Path:
    """Where plain LoRAs are saved: in the first folder of LoRAs that can be written."""
    return _writable([Path(folder) for folder in folder_paths.get_folder_paths("loras")])


def elsewhere(folder: Path) -> list[str]:
    """A note if people are saved in another folder than the first of LoRAs."""
    usual = Path(folder_paths.get_folder_paths("loras")[0]) / _OWN
    if folder == usual:
        return []
    return [f"saved in {folder}, for {usual} cannot be written"]


def input_folder(name: str) -> Path:
    """A folder as a user names it: below ComfyUI's input folder, or by its whole path.

    Never raises; it need not be there.
    """
    # As file managers copy paths.
    said = name.strip().strip("\"'")
    return Path(folder_paths.get_input_directory(), os.path.expanduser(said))


def embeddings_folder() -> Path:
    """Where words are saved: the first folder of embeddings that can be written, else the first."""
    return _writable([Path(folder) for folder in folder_paths.get_folder_paths("embeddings")])


def _writable(places: Sequence[Path]) -> Path:
    for place in places:
        with suppress(AssetError):
            require_writable_folder(place)
            return place
    return places[0]


def runs_folder() -> Path:
    """Where unfinished trainings keep their state; outlives a restart, unlike the temp folder."""
    return Path(folder_paths.get_user_directory()) / _OWN / "runs"


def identity_files() -> list[str]:
    """Every LoRA file that is an identity, whatever it is called, as ComfyUI lists it.

    Never raises: schemas ask for it while ComfyUI's only worker waits. What cannot be read is left
    out.
    """
    return [NONE, *identities_listed()]


def identity_path(name: str) -> Path:
    """The file of that name in the folders of LoRAs; with \\ for /, as Windows saves workflows.

    Raises AssetError with where it was sought, and the name that differs in capitals only.
    """
    found = _lora(name)
    if found is None:
        searched = ", ".join(folder_paths.get_folder_paths("loras"))
        raise AssetError(
            f"there is no identity {quoted(name)} in {searched}; {_advice(name)}train it, or "
            "choose another"
        )
    return Path(found)


def _lora(name: str) -> str | None:
    found = folder_paths.get_full_path("loras", name)
    return found or folder_paths.get_full_path("loras", name.replace("\\", "/"))


def _advice(name: str) -> str:
    sought = name.replace("\\", "/").casefold()
    alike = [one for one in identity_files() if one.replace("\\", "/").casefold() == sought]
    return f"did you mean {alike[0]!r}? Else " if alike else ""


def chosen_identity(name: str, wired: Identity | None) -> Identity:
    """The wired identity, else the one in the file of that name. Raises ConfigError for neither."""
    if wired is not None:
        return wired
    if name == NONE:
        raise ConfigError("no person is given: choose a file, or wire an identity")
    return identity.load_identity(identity_path(name))


def relative_name(path: Path) -> str:
    """How ComfyUI's file lists call a file in `facea` in a folder of LoRAs."""
    return str(path.relative_to(path.parent.parent))


def file_fingerprint(name: str) -> str:
    """Changes when the file does, so that an edited identity is read again. Never raises."""
    try:
        path = _lora(name) if name != NONE else None
        stat = os.stat(path) if path is not None else None
    except (OSError, ValueError):
        stat = None
    return name if stat is None else f"{name} {stat.st_mtime_ns} {stat.st_size}"
