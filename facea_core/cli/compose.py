"""`facea compose`: paint a learned person into an image."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from ..detection.config import DetectConfig
from .flags import parse
from .painting import Compose


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea compose",
        Compose,
        arguments,
        without=("attributes", "on_missing", "faces"),
        composing=ComposeConfig(),
        detection=DetectConfig(attributes="face"),
    )
    from .work.compose import compose

    compose(flags, configs["composing"], configs["detection"])
