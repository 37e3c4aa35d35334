"""`facea restore`: a damaged photo repaired as the person in it."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from ..detection.config import DetectConfig
from ..restoring.config import RestoreConfig
from .flags import parse
from .restoring import RestoreCommand

_ITS_OWN = ("denoise", "colour_match", "second_pass", "hair_room")


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea restore",
        RestoreCommand,
        arguments,
        without=("attributes", "on_missing", *_ITS_OWN),
        restoring=RestoreConfig(),
        composing=ComposeConfig(),
        detection=DetectConfig(attributes="face"),
    )
    from .work.restore import restore

    restore(flags, configs["restoring"], configs["composing"], configs["detection"])
