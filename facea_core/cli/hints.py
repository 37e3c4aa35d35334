"""`facea hints`: pictures for a ControlNet, drawn from faces."""

from __future__ import annotations

from collections.abc import Sequence

from ..detection.config import EVERY_FACE, DetectConfig
from ..hints.config import HintConfig
from .flags import parse
from .hinting import HintsCommand

PARTS = "face, hair, eyebrows, eyes, nose, mouth"


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea hints",
        HintsCommand,
        arguments,
        without=("attributes", "on_missing", "part_grow", "part_feather"),
        hints=HintConfig(),
        detection=DetectConfig(attributes=PARTS, on_missing="pass", face_index=EVERY_FACE),
    )
    from .work.hints import draw

    draw(flags, configs["hints"], configs["detection"])
