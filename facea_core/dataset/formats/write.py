"""One set of pictures in several formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from ..values import IMAGES, Picture
from .folder import METADATA
from .names import FORMATS, require_formats
from .sources import checked


def write_formats(
    folder: str | Path, pictures: Sequence[Picture], formats: Iterable[str]
) -> tuple[str, ...]:
    """Writes `formats` of the set in `folder`, whose JPEGs are there; notes on what was left out.

    Each appears whole or not at all and replaces what an earlier run wrote of it; formats that are
    not named are left alone, with a note where pictures are newer. Raises ConfigError for an
    unknown format, for no pictures and for pictures that do not fit together,
    MissingDependencyError before anything is written, AssetError for a picture that is missing or
    another than the manifest says, and where nothing can be written.
    """
    chosen = set(formats)
    require_formats(chosen)
    checked(pictures)
    notes: list[str] = []
    for name in (name for name in FORMATS if name in chosen):
        module = import_module(f".{name}", __package__)
        notes += (f"{name}: {note}" for note in module.write(folder, pictures))
    return (*notes, *_outdated(Path(folder), pictures, chosen))


def _outdated(folder: Path, pictures: Sequence[Picture], chosen: set[str]) -> list[str]:
    """Of formats that were written before the newest picture: somebody in them may be gone."""
    newest = max((folder / picture.path).stat().st_mtime_ns for picture in pictures)
    places = {name: f"{IMAGES}/{METADATA}" if name == "folder" else name for name in FORMATS}
    return [
        f"{place} is of an earlier run and shows other pictures; name {name} among the formats, or "
        "delete it"
        for name, place in places.items()
        if name not in chosen and _older(folder / place, newest)
    ]


def _older(path: Path, moment: int) -> bool:
    try:
        return path.stat().st_mtime_ns < moment
    except OSError:
        return False
