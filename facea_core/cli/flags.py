"""Flags out of dataclasses. Defaults lie lowest, the `--config` file over them, flags on top.

A command is a frozen dataclass of its own flags; the configs of the core add theirs, with the same
names, defaults, help and ranges, so that none of it can drift.
"""

from __future__ import annotations

import argparse
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, field, fields, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro
from tyro.conf import OmitArgPrefixes

from ..errors import AssetError, ConfigError, quoted, shortened
from ..settings import LONGEST_JSON, nearest, read_object

C = TypeVar("C")

READABLE = 1_000_000
"""A larger limit says nothing to a reader of the help."""

ConfigFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE.json")]
VaeFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE|DIR")]
ClassNoun = Annotated[str, tyro.conf.arg(name="class", metavar="NOUN")]


def peek(arguments: Sequence[str], flag: str) -> str | None:
    """The value of one flag, read ahead of the others: some defaults depend on it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(flag)
    return vars(parser.parse_known_args(list(arguments))[0])[flag.lstrip("-")]


def set_aside(arguments: Sequence[str], names: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """The numbers given for flags that there no longer are, by name, and the other arguments."""
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS
    )
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    known, rest = parser.parse_known_args(list(arguments))
    return vars(known), rest


def read_config(arguments: Sequence[str]) -> dict[str, Any]:
    """What the file named by `--config` says; empty without one.

    Raises AssetError if it cannot be read, ConfigError if it is not a JSON object.
    """
    name = peek(arguments, "--config")
    if name is None:
        return {}
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read(LONGEST_JSON + 1)
    except OSError as error:
        raise AssetError(
            f"cannot read {shortened(name)} ({error.strerror or error}); check the path of --config"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{shortened(name)} is not JSON ({error}); mend it or leave out --config"
        ) from error
    values = read_object(
        text, shortened(name), 'write {"steps": 400}, for example, or leave out --config'
    )
    return {str(key).replace("-", "_"): value for key, value in values.items()}


def pick_device(name: str) -> str:
    """A torch device; `auto` is a GPU where there is one. Raises ConfigError for another name."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device {quoted(name)} cannot be used ({reason}); try auto or cpu"
        ) from error
    return name


def parse(
    program: str,
    command: type[C],
    arguments: Sequence[str],
    values: Mapping[str, Any],
    *,
    without: Collection[str] = (),
    **configs: Any,
) -> tuple[C, dict[str, Any]]:
    """The command's flags and the configs, after the file's `values` and the command line.

    A flag belongs to the command or to the first config with that name; fields of configs `without`
    a flag keep their value. Raises ConfigError for a name in `values` that is no flag (the nearest
    is named) and for values that do not fit. Usage errors end the program with status 2 and a
    message, as command line parsers do.
    """
    owners: dict[str, str] = {}
    for key, config in configs.items():
        free = [name for name in _names(config) if name not in owners and name not in without]
        owners |= dict.fromkeys(free, key)
    hints = get_type_hints(command)
    owners |= dict.fromkeys(hints, "")
    for name in values:
        if name not in owners:
            near = nearest(name, owners)
            raise ConfigError(f"setting {quoted(name)} is unknown; the nearest is {near!r}")

    def share(owner: str) -> dict[str, Any]:
        return {name: value for name, value in values.items() if owners[name] == owner}

    configs = {key: replace(config, **share(key)) for key, config in configs.items()}
    own = {spec.name: tyro.MISSING for spec in fields(command) if _required(spec)}  # pyright: ignore
    own |= {name: _fitted(name, value, hints[name]) for name, value in share("").items()}
    shapes = {
        key: _shape(key, config, [name for name in _names(config) if owners.get(name) == key])
        for key, config in configs.items()
    }
    form = make_dataclass(
        command.__name__,
        [(key, OmitArgPrefixes[shape], field(default=shape())) for key, shape in shapes.items()],
        bases=(command,),
        frozen=True,
    )
    flags = tyro.cli(
        form, prog=program, args=list(arguments), default=form(**own), description=command.__doc__
    )
    read = {key: replace(config, **vars(getattr(flags, key))) for key, config in configs.items()}
    return flags, read


def _names(config: Any) -> list[str]:
    return [spec.name for spec in fields(config)]


def _required(spec: Any) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _shape(name: str, config: Any, kept: Sequence[str]) -> type:
    """A dataclass with these fields of `config`, its values as defaults, and no checks of its own.

    So a value out of range is the core's ConfigError, and not the parser's.
    """
    hints = get_type_hints(type(config))
    specs = []
    for spec in fields(config):
        if spec.name not in kept:
            continue
        meta, hint, default = spec.metadata, hints[spec.name], getattr(config, spec.name)
        text = meta.get("help", "")
        low, high = meta.get("min"), meta.get("max")
        if low is not None and high is not None and high <= READABLE:
            text += f", {low:g} to {high:g}"
        if meta.get("choices"):
            hint = Literal[tuple(meta["choices"])]  # pyright: ignore
        elif type(default) in get_args(hint):
            # One spelling of several is enough on a command line: "eyes, nose", not a sequence.
            hint = type(default) if default is not None else hint
        specs.append((spec.name, hint, field(default=default, metadata={"help": text})))
    shape = make_dataclass(name.capitalize(), specs, frozen=True)
    shape.__doc__ = None
    return shape


def _fitted(name: str, value: Any, hint: Any) -> Any:
    """A value of a JSON file as the type of the flag, or ConfigError."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for kind in kinds:
        if get_origin(kind) is tuple and isinstance(value, list):
            return tuple(_fitted(name, item, get_args(kind)[0]) for item in value)
        if get_origin(kind) is Literal and value in get_args(kind):
            return value
        if kind is Path and isinstance(value, str):
            return Path(value)
        if isinstance(kind, type) and type(value) is kind:
            return value
    expected = " or ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
    raise ConfigError(f"setting {name!r} must be {expected}, not {quoted(value)}")
