"""`facea template`: pictures that people are painted into, added to a folder or checked."""

from __future__ import annotations

from collections.abc import Sequence

from .flags import parse
from .templates import TemplateCommand


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea template", TemplateCommand, arguments)
    from .work.template import template

    template(flags)
