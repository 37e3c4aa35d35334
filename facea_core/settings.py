"""How a config declares a field, for the node, the CLI and JSON files alike."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(
    default: Any,
    help: str,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[str, ...] = (),
    *,
    affects_result: bool = True,
) -> Any:
    """A dataclass field with its `help`, range, `choices` and `affects_result` as metadata."""
    return field(
        default=default,
        metadata={
            "help": help,
            "min": min,
            "max": max,
            "choices": choices,
            "affects_result": affects_result,
        },
    )
