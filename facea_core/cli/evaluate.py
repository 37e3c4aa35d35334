"""`facea evaluate`: compare generated images with photos of the person."""

from __future__ import annotations

from collections.abc import Sequence

from ..detection.config import DetectConfig
from .flags import parse
from .forms import Evaluate


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea evaluate",
        Evaluate,
        arguments,
        without=("attributes", "part_threshold", "faces"),
        detection=DetectConfig(attributes="face"),
    )
    from .work.evaluate import evaluate

    evaluate(flags, configs["detection"])
