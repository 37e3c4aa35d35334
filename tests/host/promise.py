"""What can be promised of a node: its title, inputs, outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ATTRIBUTES, IDENTITY, CROPS = "FACEA_ATTRIBUTES", "FACEA_IDENTITY", "FACEA_CROPS"


@dataclass(frozen=True)
class Socket:
    """An input that is wired."""

    type: str
    optional: bool = False


@dataclass(frozen=True)
class Widget:
    """An input that is set on the node. `options` are what a COMBO must list, in that order."""

    type: str
    default: Any = None
    min: float | None = None
    max: float | None = None
    options: tuple[str, ...] = ()
    more: bool = False
    """The list goes on with what this machine has."""
    optional: bool = False
    """Came after a release: graphs without it are still valid."""


@dataclass(frozen=True)
class Promise:
    title: str
    inputs: dict[str, Socket | Widget]
    outputs: dict[str, str]
    output_node: bool = False


def combo(
    *options: str, default: str | None = None, more: bool = False, optional: bool = False
) -> Widget:
    """A choice whose default is the first option unless named."""
    first = options[0] if options else None
    return Widget("COMBO", default or first, options=options, more=more, optional=optional)
