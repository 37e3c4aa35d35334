"""`facea crop`: the squares around faces, for any other program."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from ..detection.config import DetectConfig
from .cropping import CropCommand
from .flags import parse

_PAINTING = (
    "steps", "cfg", "seed", "sampler", "denoise", "strength", "negative", "colour_match",
    "candidates", "second_pass",
)  # fmt: skip


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea crop",
        CropCommand,
        arguments,
        without=("attributes", "on_missing", "faces", *_PAINTING),
        composing=ComposeConfig(),
        detection=DetectConfig(attributes="face"),
    )
    from .work.crop import crop

    crop(flags, configs["composing"], configs["detection"])
