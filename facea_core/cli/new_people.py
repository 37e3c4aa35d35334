"""`facea new-people`: people whom nobody is, blended of learned ones."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from .flags import parse
from .sampling import NewPeopleCommand

_ITS_OWN = ("candidates", "hair_room")


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea new-people",
        NewPeopleCommand,
        arguments,
        without=_ITS_OWN,
        composing=ComposeConfig(),
    )
    from .work.new_people import new_people

    new_people(flags, configs["composing"])
