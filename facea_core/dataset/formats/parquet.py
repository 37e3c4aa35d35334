"""parquet/: tables with the pictures inside, as Hugging Face's datasets reads and shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..arrow import schema_of, table_of
from ..columns import columns, file_name, values
from ..values import Picture
from .names import require_formats
from .replaced import replaced
from .sources import by_split, checked, class_names, jpeg_of

LARGEST = 500_000_000
"""Bytes of the pictures in one file."""

ROWS = 100
"""Rows that are read at once."""


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes parquet/data/train-00000-of-0000N.parquet …; `label` has the names of the people."""
    require_formats(("parquet",))
    import pyarrow.parquet as parquet

    checked(pictures)
    kinds = {"image": "image", "label": "int64", "identity": "string", **columns(pictures)}
    features = {"info": {"features": _features(kinds, class_names(pictures))}}
    about = {"huggingface": json.dumps(features, sort_keys=True)}
    schema = schema_of(kinds).with_metadata(about)
    with replaced(folder, "parquet") as stage:
        # Arrow takes a ~ at the beginning for somebody's home.
        data = stage.absolute() / "data"
        data.mkdir()
        for split, some in by_split(pictures).items():
            files = _files(folder, some)
            for i, part in enumerate(files):
                path = data / f"{split}-{i:05d}-of-{len(files):05d}.parquet"
                # A JPEG occurs once and is compressed already.
                with parquet.ParquetWriter(
                    path, schema, compression="none", use_dictionary=False, write_statistics=False
                ) as file:
                    waiting = iter(part)
                    while rows := [_row(folder, p, kinds) for p in islice(waiting, ROWS)]:
                        file.write_table(table_of(rows, kinds).replace_schema_metadata(about))
    return ()


def _files(folder: str | Path, pictures: Sequence[Picture]) -> list[list[Picture]]:
    """The pictures of each file, in order."""
    files: list[list[Picture]] = [[]]
    size = 0
    for picture in pictures:
        path = Path(folder) / picture.path
        length = path.stat().st_size if path.exists() else 0  # what is missing is reported later
        size += length
        if files[-1] and size > LARGEST:
            files.append([])
            size = length
        files[-1].append(picture)
    return files


def _row(folder: str | Path, picture: Picture, names: Mapping[str, str]) -> dict[str, Any]:
    row = values(picture, names)
    return {**row, "image": {"bytes": jpeg_of(folder, picture), "path": file_name(picture)}}


def _features(kinds: Mapping[str, str], people: list[str]) -> dict[str, Any]:
    """The types of the columns as datasets writes them down."""

    def value(kind: str) -> dict[str, str]:
        return {"_type": "Value", "dtype": kind}

    special: dict[str, Any] = {
        "image": {"_type": "Image"},
        "numbers": [value("int64")],
        "points": [[value("float64")]],
    }
    features = {name: special.get(kind) or value(kind) for name, kind in kinds.items()}
    return {**features, "label": {"_type": "ClassLabel", "names": people}}
