"""`facea portrait`: people painted into templates."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from .flags import parse
from .templates import PortraitCommand


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea portrait", PortraitCommand, arguments, composing=ComposeConfig(candidates=4)
    )
    from .work.portrait import portrait

    portrait(flags, configs["composing"])
