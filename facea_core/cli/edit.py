"""`facea edit`: change one attribute of a face by words."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig, EditConfig
from ..detection.config import DetectConfig
from .flags import parse
from .painting import EditCommand


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea edit",
        EditCommand,
        arguments,
        without=(
            "attributes",
            "on_missing",
            "faces",
            "neck",
            "hair",
            "hair_room",
            "candidates",
            "second_pass",
        ),
        editing=EditConfig(),
        composing=ComposeConfig(),
        detection=DetectConfig(attributes="face", on_missing="pass"),
    )
    from .work.edit import edit

    edit(flags, configs["editing"], configs["composing"], configs["detection"])
