"""What was sampled of each person, on disk as soon as it is there: a set that is stopped goes on.

The pictures of a person lie in a folder of their own under `images`, and beside these, under
`.parts`, a file that lists them, by the key of everything that they depend on. It is written last:
a person without it is sampled again.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..errors import FaceAError
from ..io.files import atomic_path, read_plain
from .formats.replaced import replaced
from .values import IMAGES, Rejected, Sampled, picture_of

PARTS = ".parts"

_LARGEST = 1 << 30

_OURS = re.compile(r"\d{4,}_[\w-]+")
"""Names of people's folders, as `folder_of` makes them: a manifest may hold any."""


def write_part(out: Path, folder: str, key: str, sampled: Sampled) -> None:
    """The pictures of a person, all at once, in place of older ones; then their list.

    Raises AssetError where nothing can be written.
    """
    (out / IMAGES).mkdir(parents=True, exist_ok=True)
    with replaced(out / IMAGES, folder) as fresh:
        for picture, jpeg in zip(sampled.pictures, sampled.jpegs, strict=True):
            (fresh / Path(picture.path).name).write_bytes(jpeg)
    about = {
        "pictures": [picture.row() for picture in sampled.pictures],
        "rejected": [asdict(one) for one in sampled.rejected],
        "short": list(sampled.short),
        "figures": dict(sampled.figures),
        "vectors": [list(vector) for vector in sampled.vectors],
    }
    (out / PARTS).mkdir(exist_ok=True)
    with atomic_path(out / PARTS / f"{key}.json") as temporary:
        temporary.write_text(json.dumps(about, sort_keys=True), "utf-8")


def read_part(out: Path, key: str) -> Sampled | None:
    """What was sampled under that key, without the files; None if anything of it is missing or is
    another file by now."""
    try:
        said = json.loads(read_plain(out / PARTS / f"{key}.json", _LARGEST))
        pictures = tuple(picture_of(row) for row in said["pictures"])
        for picture in pictures:
            data = (out / picture.path).read_bytes()
            if hashlib.sha256(data).hexdigest() != picture.sha256:
                return None
        return Sampled(
            pictures, (), tuple(Rejected(**one) for one in said["rejected"]),
            tuple(said["short"]), said["figures"],
            tuple(tuple(vector) for vector in said["vectors"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, FaceAError):
        return None


def tidy(out: Path, keys: set[str], folders: set[str], known: set[str]) -> None:
    """Takes away parts of other keys, and of the folders that a set `known` here had those that it
    has no more: their people would be in it for whoever reads folders."""
    for part in (out / PARTS).glob("*.json"):
        if part.stem not in keys:
            part.unlink(missing_ok=True)
    for folder in filter(_OURS.fullmatch, known - folders):
        for picture in (out / IMAGES / folder).glob("*.jpg"):
            picture.unlink(missing_ok=True)
        with suppress(OSError):
            (out / IMAGES / folder).rmdir()
