"""Schemas: the host's own classes, fed from the core's configs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from inspect import Parameter, Signature
from typing import Any

from comfy_api.latest import io

from ...facea_core.errors import ConfigError, quoted
from ...facea_core.types import Identity

ATTRIBUTES = io.Custom("FACEA_ATTRIBUTES")
IDENTITY = io.Custom("FACEA_IDENTITY")
IDENTITIES = ("identity", "identity_2", "identity_3", "identity_4")
"""Inputs of nodes that paint several people."""

CROPS = io.Custom("FACEA_CROPS")
SEGS = io.Custom("SEGS")
"""Of the Impact Pack, which needs not be there."""

_INPUTS = {bool: io.Boolean, int: io.Int, float: io.Float, str: io.String}


def schema(*, advanced: Collection[str] = (), **values: Any) -> io.Schema:
    """A schema without the keywords that this version of ComfyUI does not know.

    One unknown keyword would make this node and all later ones disappear. `advanced` are the names
    of inputs that are folded away until somebody asks for them, where ComfyUI can do that.
    """
    for one in values.get("inputs", ()):
        if one.id in advanced and hasattr(one, "advanced"):
            one.advanced = True
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return io.Schema(**{key: value for key, value in values.items() if key in known})


def field_input(config: type, name: str, **changes: Any) -> io.Input:
    """The widget of a config's field: its default, range, choices and help.

    `changes` replace or add the host's own arguments, `id` the name of the field.
    """
    field = next(one for one in dataclasses.fields(config) if one.name == name)
    help = field.metadata["help"]
    default, id = changes.pop("default", field.default), changes.pop("id", name)
    values: dict[str, Any] = {"default": default, "tooltip": help[0].upper() + help[1:] + "."}
    if choices := field.metadata.get("choices"):
        return io.Combo.Input(id, options=list(choices), **{**values, **changes})
    if type(default) in (int, float):
        for key in ("min", "max"):
            if field.metadata.get(key) is not None:
                values[key] = type(default)(field.metadata[key])
    if type(default) is float:
        values["step"] = 0.01
    return _INPUTS[type(default)].Input(id, **{**values, **changes})


def own_choices(*names: str) -> Any:
    """`validate_inputs` of a node that itself refuses what is no choice of these inputs.

    It names the nearest, and reads files as other systems write them. Newer ComfyUIs would show the
    whole list and go no further; they leave alone what such a function has as parameters.
    """

    def validate_inputs(cls: type, **_: Any) -> bool:
        return True

    kind = Parameter.POSITIONAL_OR_KEYWORD
    taken = [Parameter(name, kind, default=None) for name in names]
    signature = Signature([Parameter("cls", kind), *taken])
    validate_inputs.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
    return classmethod(validate_inputs)


def people_wired(inputs: dict[str, Any]) -> list[Identity | None]:
    """Takes IDENTITIES out of the inputs of a node; None = not wired. Raises as `wired`."""
    people = [inputs.pop(name, None) for name in IDENTITIES]
    for name, who in zip(IDENTITIES, people, strict=True):
        wired(name, who, Identity)
    return people


def wired(name: str, value: Any, kind: type) -> None:
    """Raises ConfigError for what no node of FaceA hands out, as a graph of a program's can hold.

    By name: ComfyUI may hold a second copy of this pack. None is an input that is not wired.
    """
    if value is not None and type(value).__name__ != kind.__name__:
        raise ConfigError(f"{name} is {quoted(value)}; wire it from a node of FaceA")
