"""recordio/: the aligned faces as insightface's recognisers read them, written without mxnet.

train.rec holds one record after another, train.idx where each begins. Record 0 says how many
pictures and people there are; pictures are 1 … N, then follows a record for each person, which says
which pictures are theirs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ..columns import file_name
from ..values import Picture
from .aligned import SIDE, aligned_jpegs, left_out, require_points
from .replaced import replaced
from .sources import checked, person_of, to_train_on

MAGIC = struct.pack("<I", 0xCED7230A)

# What a record holds: all of it, or the first, a middle, the last of its pieces.
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes train.rec, train.idx, train.lst and property; notes on what was left out.

    train.lst names the picture of each record: its number, label and path, between tabs. Labels
    count the people who have aligned faces from 0, in the order of the pictures' own labels.
    """
    checked(pictures)
    kept, notes = to_train_on(pictures)
    require_points(kept)
    # Sorting keeps the order of one person's pictures.
    kept.sort(key=lambda picture: picture.label)
    with replaced(folder, "recordio") as stage, open(stage / "train.rec", "wb") as file:
        index: list[str] = []
        listed: list[str] = []
        first: dict[str, int] = {}
        # Records of the head are as long whatever they say, so it is written again at the end.
        _put(file, index, 0, _ranges(0, 0, 0))
        number = 0
        for picture, jpeg in aligned_jpegs(folder, kept):
            number += 1
            person = person_of(picture)
            first.setdefault(person, number)
            label = len(first) - 1
            _put(file, index, number, struct.pack("<IfQQ", 0, label, number, 0) + jpeg)
            listed.append(f"{number}\t{label}\t{file_name(picture)}\n")
        starts = [*first.values(), number + 1]
        for label, (start, end) in enumerate(zip(starts, starts[1:], strict=False)):
            key = number + 1 + label
            _put(file, index, key, _ranges(start, end, key))
        file.seek(0)
        file.write(record(_ranges(number + 1, number + 1 + len(first), 0)))
        (stage / "train.idx").write_bytes("".join(index).encode())
        (stage / "train.lst").write_bytes("".join(listed).encode())
        (stage / "property").write_bytes(f"{len(first)},{SIDE},{SIDE}".encode())
    people = {picture.label for picture in kept}
    if len(first) < len(people):
        notes += (f"{len(people) - len(first)} people without aligned faces left out",)
    elif max(people) >= len(people):
        notes += ("labels counted anew from 0, train.lst says which is whose",)
    return (*notes, *left_out(len(kept) - number))


def record(payload: bytes) -> bytes:
    """One record: its magic number, kind and length, then the payload, filled up to 4 bytes.

    A magic number of its own in the payload would look like the start of another record. So the
    payload is taken apart there, and the number left out, which readers put in again.
    """
    pieces, start, at = [], 0, payload.find(MAGIC)
    while at >= 0:
        if at % 4 == 0:
            pieces.append(payload[start:at])
            start = at + 4
        at = payload.find(MAGIC, at + 1 if at % 4 else at + 4)
    pieces.append(payload[start:])
    kinds = [_FIRST, *[_MIDDLE] * (len(pieces) - 2), _LAST] if len(pieces) > 1 else [_WHOLE]
    return b"".join(
        MAGIC + struct.pack("<I", kind << 29 | len(piece)) + piece + bytes(-len(piece) % 4)
        for kind, piece in zip(kinds, pieces, strict=True)
    )


def _ranges(start: int, end: int, key: int) -> bytes:
    """The payload of a record that holds two labels and no picture."""
    return struct.pack("<IfQQff", 2, 0.0, key, 0, start, end)


def _put(file: BinaryIO, index: list[str], key: int, payload: bytes) -> None:
    index.append(f"{key}\t{file.tell()}\n")
    file.write(record(payload))
