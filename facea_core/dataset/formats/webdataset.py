"""webdataset/: tar files that are read from front to back, pictures in mixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..columns import json_line
from ..values import Picture
from .names import require_formats
from .replaced import replaced
from .sources import by_split, checked, jpeg_of

MOST = 1000
"""Pictures in one tar file."""

LARGEST = 500_000_000
"""Bytes of one tar file."""

_BLOCK = 512
"""Bytes: a tar file has one before each file, which it fills up to whole ones."""


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes webdataset/train-000000.tar …, each sample as key.cls, key.jpg and key.json.

    A key is the picture's number in the manifest. The order looks random but always is the same, so
    that one tar file holds many people.
    """
    require_formats(("webdataset",))
    from webdataset.writer import TarWriter

    checked(pictures)
    number = {picture.path: i for i, picture in enumerate(pictures)}
    with replaced(folder, "webdataset") as stage:
        for split, some in by_split(pictures).items():
            samples = (_sample(folder, one, number[one.path]) for one in sorted(some, key=_mixed))
            for shard, group in enumerate(_shards(samples)):
                with (
                    open(stage / f"{split}-{shard:06d}.tar", "wb") as file,
                    TarWriter(file, user="", group="", mode=0o644, mtime=0) as tar,
                ):
                    for sample in group:
                        tar.write(sample)
    return ()


def _mixed(picture: Picture) -> bytes:
    return hashlib.sha256(picture.path.encode("utf-8", "surrogateescape")).digest()


def _sample(folder: str | Path, picture: Picture, number: int) -> dict[str, str | bytes]:
    return {
        "__key__": f"{number:08d}",
        "cls": str(picture.label).encode(),
        "jpg": jpeg_of(folder, picture),
        "json": json_line(picture.row()).encode(),
    }


def _shards(
    samples: Iterator[dict[str, str | bytes]],
) -> Iterator[Iterator[dict[str, str | bytes]]]:
    """The samples in groups, one after another, each to be read before the next is asked for."""
    ahead = next(samples, None)

    def group() -> Iterator[dict[str, str | bytes]]:
        nonlocal ahead
        count = size = 0
        while ahead is not None:
            size += sum(
                _BLOCK + len(data) + -len(data) % _BLOCK
                for data in ahead.values()
                if isinstance(data, bytes)
            )
            if count == MOST or (count and size > LARGEST):
                return
            yield ahead
            count += 1
            ahead = next(samples, None)

    while ahead is not None:
        yield group()
