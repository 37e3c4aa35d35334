"""kohya/: pictures with their captions, as sd-scripts and ComfyUI's training nodes read them.

The number before a folder's name says how often each of its pictures is shown in an epoch.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ...errors import ConfigError, quoted
from ..values import Picture
from .replaced import replaced
from .sources import checked, jpeg_of, to_train_on

REPEATS = 10

_LONGEST = 48
"""Characters of a person's name in a folder's name: file systems take 255 bytes."""


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes kohya/10_ada/000.jpg and 000.txt …; notes on what was left out.

    The pictures are hard links to those in images/, copies where the disk has no links.
    """
    checked(pictures)
    kept, notes = to_train_on(pictures)
    names = _folders(kept)
    with replaced(folder, "kohya") as stage:
        for picture in kept:
            jpeg_of(folder, picture)
            to = stage / names[picture.label] / PurePosixPath(picture.path).name
            to.parent.mkdir(exist_ok=True)
            caption = to.with_suffix(".txt")
            if caption.exists():
                raise ConfigError(
                    f"{quoted(picture.path)} has the name of another picture but for its ending; "
                    "one caption cannot serve both"
                )
            _link(Path(folder) / picture.path, to)
            caption.write_bytes(picture.caption.encode("utf-8", "replace"))
    return notes


def _folders(pictures: Sequence[Picture]) -> dict[int, str]:
    """The folder of each label; two people of one name get their numbers behind it."""
    names: dict[int, str] = {}
    for picture in pictures:
        plain = re.sub(r"[^\w-]+", "_", picture.identity)[:_LONGEST].strip("_")
        names.setdefault(picture.label, plain or "person")
    # Some disks take Ada and ada for one.
    folded = Counter(name.casefold() for name in names.values())
    return {
        label: f"{REPEATS}_{name}" + f"_{label:04d}" * (folded[name.casefold()] > 1)
        for label, name in names.items()
    }


def _link(path: Path, to: Path) -> None:
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
