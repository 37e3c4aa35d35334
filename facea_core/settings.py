"""How a config declares a field, for the node, the CLI and JSON files alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field, fields, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from .errors import ConfigError

C = TypeVar("C")


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


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises `ConfigError` for a value of setting `name` that is no choice; the nearest is named.

    For choices that are too many to be listed, or that depend on what is installed.
    """
    known = list(choices)
    if value not in known:
        # No choice is longer, and long texts are slow to compare.
        given = str(value)[:80]
        near = get_close_matches(given, known, n=1, cutoff=0.0)
        raise ConfigError(
            f"{name} {given!r} does not exist, or is not installed; the nearest is {near[0]!r}"
        )


def check_settings(config: Any) -> None:
    """Raises `ConfigError` for the first field of a config that is no choice, or out of its range.

    A field whose default is a whole number takes whole numbers only, one whose default is true or
    false takes those; None is a value only where it is the default.
    """
    for spec in fields(config):
        value: Any = getattr(config, spec.name)
        low, high, choices = (spec.metadata[key] for key in ("min", "max", "choices"))
        if choices and value not in choices:
            raise ConfigError(
                f"{spec.name} {value!r} is unknown; choose one of {', '.join(choices)}"
            )
        if type(spec.default) is bool and value not in (True, False):
            raise ConfigError(f"{spec.name} is {value!r}; give true or false")
        if low is None or high is None or (value is None and spec.default is None):
            continue
        whole = type(value) is int
        number = whole or (isinstance(value, float) and type(spec.default) is not int)
        # NaN fails the comparison, so ask for what is wanted.
        if not (number and low <= value <= high):
            kind = "whole number" if type(spec.default) is int else "number"
            raise ConfigError(f"{spec.name} is {value!r}; give a {kind} from {low} to {high}")


def updated(config: C, values: Mapping[str, Any]) -> C:
    """The config with these values; `ConfigError` for an unknown name, the nearest is named."""
    known = [spec.name for spec in fields(config)]  # pyright: ignore[reportArgumentType]
    for name in values:
        if name not in known:
            near = get_close_matches(str(name), known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"setting {name!r} is unknown; the nearest is {near!r}")
    return replace(config, **values)  # pyright: ignore[reportArgumentType, reportType]


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
