"""Tables of Arrow, for Parquet files; pyarrow has to be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def schema_of(kinds: Mapping[str, str]) -> pyarrow.Schema:
    """The schema of columns with the types that `columns.columns` says, and "image"."""
    import pyarrow as pa

    special = {
        "numbers": pa.list_(pa.int64()),
        "points": pa.list_(pa.list_(pa.float64())),
        "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    }
    return pa.schema(
        [(name, special.get(kind) or pa.type_for_alias(kind)) for name, kind in kinds.items()]
    )


def table_of(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> pyarrow.Table:
    """Rows as a table of these columns."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=schema_of(kinds))
