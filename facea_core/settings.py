"""How a config declares a field, for the node, the CLI and JSON files alike."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, field, fields, replace
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from .errors import ConfigError, quoted

C = TypeVar("C")
_LOG = logging.getLogger(__name__)

LONGEST_TEXT = 10_000
"""Characters of a prompt or a list of words: some hundred times what a text encoder reads."""

LONGEST_JSON = 64_000
"""Characters of settings written as JSON."""

LONGEST_NAME = 64
"""Characters of an unknown name that are compared with the known ones."""

_PATHS = ("Path", "tuple[Path, ...]", "str | Path")


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


def check_installed(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises `ConfigError` for a value of setting `name` that is no choice; the nearest is named.

    For choices that are too many to be listed, or that depend on what is installed.
    """
    known = list(choices)
    if value not in known:
        raise ConfigError(
            f"{name} {quoted(value)} does not exist, or is not installed; the nearest is "
            f"{nearest(value, known)!r}"
        )


def check_settings(config: Any) -> None:
    """Raises `ConfigError` for the first field of a config that is no choice, of another type than
    it is declared with, or out of its range.

    Whole numbers are numbers too; None is a value only where it is the default.
    """
    for spec in fields(config):
        value: Any = getattr(config, spec.name)
        if value is None and spec.default is None:
            continue
        low, high, choices = (spec.metadata[key] for key in ("min", "max", "choices"))
        kind = kind_of(spec)
        if choices:
            check_choice(spec.name, value, choices)
        elif kind == "bool" and type(value) is not bool:
            raise ConfigError(f"{spec.name} is {quoted(value)}; give true or false")
        elif kind in ("int", "float"):
            check_number(spec.name, value, low, high, whole=kind == "int")
        elif kind in _PATHS:
            check_paths(spec.name, value, kind)
        elif kind == "str" or isinstance(value, str):
            check_text(spec.name, value)


def kind_of(spec: Field[Any]) -> str:
    """The type that a field is declared with, None apart."""
    return str(spec.type).removesuffix(" | None")


def as_declared(spec: Field[Any], value: Any) -> Any:
    """What JSON and command lines say, as the field has it: paths are texts there, tuples lists.

    A path may begin with ~, as shells leave it in --out=~/made. Anything else is left as it is, for
    `check_settings` to judge.
    """
    kind = kind_of(spec)
    if kind == "str | Path" and isinstance(value, str):
        return os.path.expanduser(value)
    if kind == "Path" and isinstance(value, str):
        return Path(os.path.expanduser(value))
    if kind == "tuple[Path, ...]" and isinstance(value, list):
        return tuple(
            Path(os.path.expanduser(one)) if isinstance(one, str) else one for one in value
        )
    return value


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raises `ConfigError` unless `value` is one of `choices`."""
    if value not in choices:
        raise ConfigError(f"{name} {quoted(value)} is unknown; choose one of {', '.join(choices)}")


def check_number(
    name: str,
    value: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    whole: bool = False,
) -> None:
    """Raises `ConfigError` unless `value` is a finite number from `low` to `high`; None = no end.

    Hosts hand NaN over: no comparison of theirs refuses it.
    """
    fits = type(value) is int or (not whole and isinstance(value, float) and isfinite(value))
    if not (fits and (low is None or low <= value) and (high is None or value <= high)):
        ends = (("from", low), ("to", high))
        span = "".join(f" {word} {end}" for word, end in ends if end is not None)
        kind = "whole number" if whole else "number"
        raise ConfigError(f"{name} is {quoted(value)}; give a {kind}{span}")


def check_paths(name: str, value: Any, kind: str = "Path") -> None:
    """Raises `ConfigError` for what is no path, or no tuple of them, as `kind` says."""
    several = kind.startswith("tuple")
    paths = value if isinstance(value, tuple) else (value,)
    wanted = (str, Path) if kind.startswith("str") else Path
    if isinstance(value, tuple) != several or not all(isinstance(one, wanted) for one in paths):
        what = "a list of paths" if several else "a path"
        raise ConfigError(f"{name} is {quoted(value)}; give {what}")


def check_text(name: str, value: Any, longest: int = LONGEST_TEXT) -> str:
    """The text itself. Raises `ConfigError` for what is none, is longer, or is no Unicode."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be str, not {quoted(value)}")
    if len(value) > longest:
        raise ConfigError(
            f"{name} has {len(value)} characters ({quoted(value)}); give at most {longest}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{name} {quoted(value)} holds half a character at {error.start}; type it again"
        ) from error
    return value


def without_retired(values: Mapping[str, Any], retired: Mapping[str, Any]) -> dict[str, Any]:
    """The values of settings that there still are; a warning names the others that said something.

    `retired` holds settings of earlier versions, at the values at which they did nothing.
    """
    gone = [name for name in retired if values.get(name, retired[name]) != retired[name]]
    if gone:
        _LOG.warning("FaceA passes over what is no setting any more: %s", ", ".join(gone))
    return {name: value for name, value in values.items() if name not in retired}


def under_new_names(values: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The values by the names of today, which `renamed` holds by those of earlier versions.

    Raises `ConfigError` where both names are there and say different things.
    """
    for old, new in renamed.items():
        if old in values and new in values and values[old] != values[new]:
            raise ConfigError(
                f"{old} is {quoted(values[old])} and {new} is {quoted(values[new])}, which are two "
                f"names of one setting; give {new} alone"
            )
    return {renamed.get(name, name): value for name, value in values.items()}


def updated(config: C, values: Mapping[str, Any]) -> C:
    """The config with these values; `ConfigError` for an unknown name, the nearest is named."""
    known = [spec.name for spec in fields(config)]  # pyright: ignore[reportArgumentType]
    for name in values:
        if name not in known:
            raise ConfigError(
                f"setting {quoted(name)} is unknown; the nearest is {nearest(name, known)!r}"
            )
    return replace(config, **values)  # pyright: ignore[reportArgumentType, reportType]


def nearest(name: object, known: Iterable[str]) -> str:
    """The known name that is most like `name`, of which the beginning counts."""
    return get_close_matches(str(name)[:LONGEST_NAME], known, n=1, cutoff=0.0)[0]


def read_settings(text: str) -> dict[str, Any]:
    """Settings written as a JSON object, such as `{"warmup": 20}`; empty text is none.

    Raises `ConfigError` for anything else.
    """
    if not text.strip():
        return {}
    return read_object(text, f"the settings {quoted(text)}", 'write {"warmup": 20}')


def read_object(text: str, what: str, remedy: str) -> dict[str, Any]:
    """A JSON object of at most `LONGEST_JSON` characters. Raises `ConfigError` for anything else.

    `what` names the text in messages, `remedy` says what to do.
    """
    if len(text) > LONGEST_JSON:
        raise ConfigError(f"{what} has {len(text)} characters; give at most {LONGEST_JSON}")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} is not JSON ({error}); {remedy}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{what} is not a JSON object; {remedy}")
    return values
