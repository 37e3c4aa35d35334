"""The list of a set: a line for each picture, as JSON for people and as a table for programs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from ..errors import AssetError, ConfigError, quoted
from ..io.files import atomic_path, read_plain
from .columns import columns, json_line, values
from .values import Picture, Rejected, picture_of

MANIFEST, TABLE, REJECTED = "manifest.jsonl", "manifest.parquet", "rejected.jsonl"

_LARGEST = 1 << 32
"""Bytes: some million pictures."""


def write_manifest(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes manifest.jsonl and manifest.parquet into `folder`, each whole or not at all.

    The same pictures give the same bytes. Returns a note where pyarrow is not installed: then there
    is no table. Raises ConfigError for no pictures or values that are no numbers, AssetError if
    nothing can be written there.
    """
    if not pictures:
        raise ConfigError("there are no pictures for a manifest; sample some first")
    lines = [json_line(picture.row()) for picture in pictures]
    table = Path(folder) / TABLE
    notes: tuple[str, ...] = ()
    if importlib.util.find_spec("pyarrow") is None:
        notes = (f"no {TABLE}: pip install pyarrow",)
        with suppress(OSError):
            table.unlink(missing_ok=True)  # an earlier one would say something else
    else:
        _write_table(table, pictures)
    _write_lines(Path(folder) / MANIFEST, lines)
    return notes


def read_manifest(folder: str | Path) -> list[Picture]:
    """The pictures that manifest.jsonl in `folder` lists.

    Raises AssetError if it cannot be read, ConfigError with the number of the first bad line.
    """
    path = Path(folder) / MANIFEST
    try:
        text = read_plain(path, _LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AssetError(
            f"cannot read {path} ({reason}); give the folder of a set that FaceA made"
        ) from error
    pictures = []
    # Not splitlines: names may hold what Unicode takes for the end of a line.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        try:
            pictures.append(_picture(line))
        except (ConfigError, ValueError, RecursionError) as error:
            raise ConfigError(
                f"line {number} of {path} is damaged: {error}; restore the file, or sample the set "
                "again"
            ) from error
    return pictures


def write_rejected(folder: str | Path, rejected: Iterable[Rejected]) -> None:
    """Writes rejected.jsonl, a line for each painting that was not kept; there may be none."""
    _write_lines(Path(folder) / REJECTED, [json_line(asdict(one)) for one in rejected])


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes("".join(f"{line}\n" for line in lines).encode())


def _write_table(path: Path, pictures: Sequence[Picture]) -> None:
    import pyarrow.parquet as parquet

    from .arrow import table_of

    kinds = columns(pictures)
    table = table_of([values(picture, kinds) for picture in pictures], kinds)
    with atomic_path(path) as temporary:
        # Arrow takes a ~ at the beginning for somebody's home.
        parquet.write_table(table, temporary.absolute())


def _picture(line: str) -> Picture:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ConfigError(f"{quoted(line)} is no JSON object")
    for spec in fields(Picture):
        if spec.name not in row:
            if spec.default is MISSING:
                raise ConfigError(f"it has no {spec.name}")
        elif not _fits(row[spec.name], str(spec.type)):
            raise ConfigError(f"{spec.name} is {quoted(row[spec.name])}")
    return picture_of(row)


def _fits(value: Any, kind: str) -> bool:
    """Whether what JSON says is of the type that a field of `Picture` is declared with."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.startswith("Mapping"):
        return isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values())
    if kind.startswith("tuple[tuple"):
        return isinstance(value, list) and all(
            isinstance(point, list) and len(point) == 2 and all(_fits(v, "float") for v in point)
            for point in value
        )
    if kind.startswith("tuple"):
        return isinstance(value, list) and len(value) == 4 and all(_fits(v, "int") for v in value)
    return {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": type(value) is int,
        "float": number,
        "float | None": number or value is None,
    }[kind]
