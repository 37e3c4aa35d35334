"""`facea paste`: repainted crops back into their picture."""

from __future__ import annotations

from collections.abc import Sequence

from .cropping import PasteCommand
from .flags import parse


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea paste", PasteCommand, arguments)
    from .work.crop import paste

    paste(flags)
