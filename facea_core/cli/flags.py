"""Flags out of dataclasses. Defaults lie lowest, the `--config` file over them, flags on top.

A command is a frozen dataclass of its own flags, a `Form`; the configs of the core add theirs, with
the same names, defaults, help and ranges, so that none of it can drift. Forms and configs check
themselves, wherever a value comes from.
"""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from ..errors import AssetError, ConfigError, quoted, shortened
from ..settings import (
    LONGEST_JSON,
    as_declared,
    check_settings,
    kind_of,
    nearest,
    read_object,
    under_new_names,
    without_retired,
)

READABLE = 1_000_000
"""A larger limit says nothing to a reader of the help."""

_NUMBERS = {"int": (int, "a whole number"), "float": (float, "a number")}


@dataclass(frozen=True)
class Form:
    """What a command is told beside the settings of the core. Raises ConfigError as those do."""

    def __post_init__(self) -> None:
        check_settings(self)


F = TypeVar("F", bound=Form)
Flags = Mapping[str, tuple[str, Field[Any]]]
"""By the field's name: the config that it belongs to, "" for the form, and the field."""


def flag(
    default: Any,
    help: str,
    metavar: str = "",
    min: int | None = None,
    max: int | None = None,
    *,
    name: str = "",
    positional: bool = False,
) -> Any:
    """A field of a `Form`; one whose default is `MISSING` must be given.

    `metavar` is what the help calls the value, `name` the flag where it is not the field's name.
    """
    checked = {"help": help, "min": min, "max": max, "choices": ()}
    shown = {"metavar": metavar, "name": name, "positional": positional}
    return field(default=default, kw_only=True, metadata={**checked, **shown})


def parse(
    program: str,
    form: type[F],
    arguments: Sequence[str],
    *,
    without: Collection[str] = (),
    retired: Mapping[str, Any] = MappingProxyType({}),
    renamed: Mapping[str, str] = MappingProxyType({}),
    defaults: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
    **configs: Any,
) -> tuple[F, dict[str, Any]]:
    """The form and the configs, after the file of `--config` and the command line.

    A flag belongs to the form or to the first config with that name; fields of configs `without` a
    flag keep their value; settings that are `retired` are ignored, those `renamed` have their
    earlier names too, though not in the help. `defaults` hands out the configs whose defaults go by
    what was said. Raises ConfigError for a name in the file that is no flag (the nearest is named)
    and for values that do not fit. Usage errors end the program with status 2, `--help` with 0.
    """
    flags: dict[str, tuple[str, Field[Any]]] = {}
    for key, part in {"": form, **configs}.items():
        for spec in fields(part):
            if not key or spec.name not in without:
                flags.setdefault(spec.name, (key, spec))
    parser = _parser(program, form, configs, flags)
    for name in retired:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=SUPPRESS)
    for old, new in renamed.items():
        read = partial(_read, flags[new][1])
        parser.add_argument(f"--{old.replace('_', '-')}", type=read, help=SUPPRESS)
    # --micro_batch is --micro-batch.
    words = [re.sub(r"^--[\w-]+", lambda name: name[0].replace("_", "-"), one) for one in arguments]
    space, unknown = parser.parse_known_args(words)
    given = vars(space)
    if given.pop("help", False):
        told = configs | (defaults(given) if defaults else {})
        _parser(program, form, told, flags).print_help()
        parser.exit()
    if unknown:
        name, known = unknown[0].partition("=")[0], [_called(spec) for _, spec in flags.values()]
        why = (
            f"no flag; the nearest is {nearest(name, known)}" if name[0] == "-" else "one too many"
        )
        parser.error(f"{quoted(name)} is {why}")
    file = under_new_names(read_config(given.get("config")), renamed)
    said = without_retired(file | under_new_names(given, renamed), retired)
    for name, value in said.items():
        if name not in flags:
            near = nearest(name, flags)
            raise ConfigError(
                f"setting {quoted(name)} ({quoted(value)}) is unknown; the nearest is {near!r}"
            )
        said[name] = as_declared(flags[name][1], value)
    needed = [spec for _, spec in flags.values() if spec.default is MISSING]
    if lacking := [_called(spec) for spec in needed if spec.name not in said]:
        parser.error(f"give {', '.join(lacking)}")

    def share(owner: str) -> dict[str, Any]:
        return {name: value for name, value in said.items() if flags[name][0] == owner}

    # What was said is judged before `defaults` looks into files.
    read = form(**share(""))
    filled = {key: replace(config, **share(key)) for key, config in configs.items()}
    others = defaults(said) if defaults else {}
    return read, filled | {key: replace(other, **share(key)) for key, other in others.items()}


def read_config(path: str | None) -> dict[str, Any]:
    """What the file of `--config` says, an object of JSON; empty without one.

    Raises AssetError if it cannot be read, ConfigError if it is not a JSON object.
    """
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(LONGEST_JSON + 1)
    except OSError as error:
        raise AssetError(
            f"cannot read {shortened(path)} ({error.strerror or error}); check the path of --config"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{shortened(path)} is not JSON ({error}); fix it or leave out --config"
        ) from error
    remedy = 'write {"steps": 400}, for example, or leave out --config'
    values = read_object(text, shortened(path), remedy)
    return {str(key).replace("-", "_"): value for key, value in values.items()}


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser(program: str, form: type[Form], configs: Mapping[str, Any], flags: Flags) -> _Parser:
    """Reads what is given and nothing else: of defaults only the help knows."""
    width = shutil.get_terminal_size().columns - 2
    paragraphs = [" ".join(text.split()) for text in (form.__doc__ or "").split("\n\n")]
    specs = [spec for _, spec in flags.values()]
    needed = [_usage(spec) for spec in specs if _is_word(spec) or spec.default is MISSING]
    parser = _Parser(
        prog=program,
        usage=" ".join([program, *needed, "[OPTIONS]"]),
        description="\n\n".join(textwrap.fill(text, width) for text in paragraphs),
        formatter_class=RawDescriptionHelpFormatter,
        argument_default=SUPPRESS,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this and do nothing else")
    groups = {key: parser.add_argument_group(f"{key} options") for key in configs}
    for key, spec in flags.values():
        heading = getattr(configs.get(key), "GROUPS", {}).get(spec.name)
        if heading:
            groups[key] = parser.add_argument_group(f"{key} options, {heading}")
        default = getattr(configs.get(key, form), spec.name, MISSING)
        options: dict[str, Any] = {"dest": spec.name, "help": _help(spec, default)}
        if kind_of(spec) == "bool":
            options["action"] = BooleanOptionalAction
        else:
            choices = spec.metadata["choices"] or None
            options |= {"type": partial(_read, spec), "choices": choices}
            options["metavar"] = None if choices else _metavar(spec)
            options["nargs"] = "*" if _is_list(spec) else "?" if _is_word(spec) else None
            if _is_list(spec) and not _is_word(spec):
                options["action"] = "extend"  # --set a --set b are both.
        names = [] if _is_word(spec) else [_called(spec)]
        groups.get(key, parser).add_argument(*names, **options)
    return parser


def _is_word(spec: Field[Any]) -> bool:
    return spec.metadata.get("positional", False)


def _is_list(spec: Field[Any]) -> bool:
    return kind_of(spec).startswith("tuple")


def _metavar(spec: Field[Any]) -> str:
    kind = kind_of(spec)
    return spec.metadata.get("metavar") or (kind.upper() if kind in _NUMBERS else "TEXT")


def _called(spec: Field[Any]) -> str:
    """What a user writes: the flag, or what the help calls a word without one."""
    if _is_word(spec):
        return _metavar(spec)
    return "--" + (spec.metadata.get("name") or spec.name).replace("_", "-")


def _usage(spec: Field[Any]) -> str:
    if _is_word(spec):
        return f"[{_metavar(spec)} ...]" if _is_list(spec) else _metavar(spec)
    return f"{_called(spec)} {_metavar(spec)}"


def _help(spec: Field[Any], default: Any) -> str:
    """The help with what is allowed and what is assumed; a % would be argparse's."""
    low, high = spec.metadata["min"], spec.metadata["max"]
    limits = f", {low:g} to {high:g}" if None not in (low, high) and high <= READABLE else ""
    if default is MISSING:
        said = " (required)"
    elif default == ():
        said = ""
    elif isinstance(default, bool):
        said = f" (default: {'on' if default else 'off'})"
    else:
        said = f" (default: {'none' if default is None else shlex.quote(str(default))})"
    return f"{spec.metadata['help']}{limits}{said}".replace("%", "%%")


def _read(spec: Field[Any], text: str) -> Any:
    """A number out of text; None out of `none` where that is the default; else the text."""
    if spec.default is None and text.lower() == "none":
        return None
    make, what = _NUMBERS.get(kind_of(spec), (str, "a text"))
    try:
        return make(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{quoted(text)} is not {what}") from error
