"""The folders that the doctor looks at, as a shell has them; a host brings its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..detection.grounding.places import usual_folders

CHECKPOINT_ENDINGS = (".safetensors",)
_MOST = 2000
"""Entries of a folder that are looked at."""


@dataclass(frozen=True)
class Places:
    """`grounding`: where Grounding-DINO is sought. `checkpoints`: where checkpoints are.

    `written`: what files go where, by what they are. `names`: the checkpoints by name, where a host
    has its own list; None = look into the folders.
    """

    grounding: Sequence[Path]
    checkpoints: Sequence[Path]
    written: Mapping[str, Path]
    names: Sequence[str] | None = None

    def checkpoint_names(self) -> list[str]:
        """Never raises for a folder that is not there; nothing is opened."""
        if self.names is not None:
            return sorted(self.names)
        found = []
        for folder in self.checkpoints:
            if folder.is_dir():
                entries = (one for one, _ in zip(folder.iterdir(), range(_MOST), strict=False))
                found += [one.name for one in entries if one.suffix in CHECKPOINT_ENDINGS]
        return sorted(found)


def shell_places() -> Places:
    """`models` below the current folder, caches, and the current folder to write into."""
    return Places(usual_folders(), [Path("models", "checkpoints")], {"here": Path.cwd()})
