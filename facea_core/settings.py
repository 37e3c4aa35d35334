"""How a config declares a field, for the node, the CLI and JSON files alike."""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any

from .errors import ConfigError


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


def read_settings(text: str) -> dict[str, Any]:
    """Settings written as a JSON object, such as `{"warmup": 20}`; empty text is none.

    Raises `ConfigError` for anything else.
    """
    if not text.strip():
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f'the settings {text!r} are not JSON ({error}); write them as {{"warmup": 20}}'
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(f'the settings {text!r} are not a JSON object; write {{"warmup": 20}}')
    return values
