"""images/ itself: a folder for each person, as torchvision's ImageFolder reads it.

metadata.jsonl beside the folders says the rest, for Hugging Face's imagefolder; ImageFolder passes
over files there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...io.files import atomic_path
from ..columns import columns, file_name, json_line, values
from ..values import IMAGES, Picture
from .sources import checked, jpeg_of

METADATA = "metadata.jsonl"


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes images/metadata.jsonl; the pictures, which are checked, are there."""
    checked(pictures)
    names = columns(pictures)
    lines = []
    for picture in pictures:
        jpeg_of(folder, picture)
        row = values(picture, names)
        del row["path"]
        lines.append(json_line({"file_name": file_name(picture), **row}))
    with atomic_path(Path(folder) / IMAGES / METADATA) as temporary:
        temporary.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return ()
