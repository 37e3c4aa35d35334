"""Reads RecordIO as its format is described, knowing nothing of what writes it here.

A file is pieces, each the number 0xced7230a, then 3 bits of kind and 29 of length, then its bytes,
filled up to a multiple of 4. A record is one piece (kind 0) or several (1, 2 …, 3), between which
the number stood that began to look like a piece. MXNet's payload is <IfQQ: flag, label, two ids; a
flag above 0 counts float labels that follow. Then comes the picture.
"""

import struct
from pathlib import Path
from typing import NamedTuple

NUMBER = b"\x0a\x23\xd7\xce"


class Entry(NamedTuple):
    labels: tuple[float, ...]
    ids: tuple[int, int]
    picture: bytes


def payload_at(data: bytes, at: int) -> tuple[bytes, int]:
    """The payload of the record that begins at `at`, and where the next one begins."""
    whole = b""
    while True:
        number, word = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        assert number == NUMBER, f"no record at {at}"
        kind, length = word >> 29, word & (1 << 29) - 1
        whole += data[at + 8 : at + 8 + length]
        padded = (length + 3) // 4 * 4
        assert not any(data[at + 8 + length : at + 8 + padded])
        at += 8 + padded
        if kind in (0, 3):
            return whole, at
        whole += NUMBER


def entry_of(payload: bytes) -> Entry:
    flag, label, first, second = struct.unpack_from("<IfQQ", payload)
    labels = struct.unpack_from(f"<{flag}f", payload, 24) if flag else (label,)
    return Entry(labels, (first, second), payload[24 + 4 * flag :])


def read_indexed(rec: Path, idx: Path) -> dict[int, Entry]:
    """Every record by its key, found by its offset; together they are the whole file."""
    data, entries, ends = rec.read_bytes(), {}, {0}
    lines = [line.split("\t") for line in idx.read_text().splitlines()]
    for key, offset in lines:
        payload, end = payload_at(data, int(offset))
        entries[int(key)] = entry_of(payload)
        ends.add(end)
    assert {int(offset) for _, offset in lines} | {len(data)} == ends
    return entries
