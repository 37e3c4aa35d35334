"""`facea detect`: faces and their parts in photos."""

from __future__ import annotations

from collections.abc import Sequence

from ..detection.config import DetectConfig
from .flags import parse
from .forms import Detect


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea detect", Detect, arguments, without=("faces",), detection=DetectConfig()
    )
    from .work.detect import detect

    detect(flags, configs["detection"])
