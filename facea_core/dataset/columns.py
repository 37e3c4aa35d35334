"""A picture as one row of a table: plain columns, the same for every picture of a set."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from ..errors import ConfigError, quoted
from .values import Picture

_MAPS = ("asked", "read")

_KINDS = MappingProxyType(
    {"str": "string", "int": "int64", "bool": "bool", "float": "float64", "float | None": "float64"}
)
"""Arrow's name of a type, by the annotation of a field."""


def columns(pictures: Sequence[Picture]) -> dict[str, str]:
    """The columns of a table of these pictures, and their types under the names of Arrow.

    `asked_yaw`, `read_yaw` … are one column for each axis; "numbers" is a list of numbers and
    "points" a list of those.
    """
    kinds: dict[str, str] = {}
    for spec in fields(Picture):
        if spec.name in _MAPS:
            axes = {axis for picture in pictures for axis in getattr(picture, spec.name)}
            kinds |= {f"{spec.name}_{axis}": "string" for axis in sorted(axes)}
        elif spec.name == "box":
            kinds[spec.name] = "numbers"
        elif spec.name == "points":
            kinds[spec.name] = "points"
        else:
            # A seed has all 64 bits.
            kinds[spec.name] = "uint64" if spec.name == "seed" else _KINDS[str(spec.type)]
    return {_spelled(name): kind for name, kind in kinds.items()}


def values(picture: Picture, names: Iterable[str]) -> dict[str, Any]:
    """What `picture` has in these columns; None for an axis that it was not asked for."""
    row = picture.row()
    for name in _MAPS:
        row |= {f"{name}_{axis}": level for axis, level in row.pop(name).items()}
    known = {
        _spelled(key): _spelled(value) if isinstance(value, str) else value
        for key, value in row.items()
    }
    _check_finite(known, picture.id)
    return {name: known.get(name) for name in names}


def json_line(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON with sorted keys: the same row, the same bytes.

    Escaped where UTF-8 cannot spell a name. Raises ConfigError for NaN and infinite values.
    """
    _check_finite(row, row.get("id"))
    text = json.dumps(row, sort_keys=True, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(row, sort_keys=True)
    return text


def file_name(picture: Picture) -> str:
    """The path of a picture inside images/."""
    return str(PurePosixPath(*PurePosixPath(picture.path).parts[1:]))


def _check_finite(row: Mapping[str, Any], name: object) -> None:
    for key, value in row.items():
        if not _finite(value):
            raise ConfigError(
                f"{key} of picture {quoted(name)} is {quoted(value)}; give finite numbers"
            )


def _finite(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _spelled(text: str) -> str:
    """Text that UTF-8 can spell: of names of files that it cannot, Python keeps single bytes."""
    return text.encode("utf-8", "replace").decode()
