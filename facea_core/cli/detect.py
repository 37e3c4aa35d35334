"""`facea detect`: faces and their parts in photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..detection.config import DetectConfig
from .common import DetectorFlags, config_flag, own_masks_flag
from .flags import flag, parse


@dataclass(frozen=True)
class Detect(DetectorFlags):
    """Find the face and its parts in each photo."""

    images: tuple[Path, ...] = flag((), "photos, or folders of them", "PHOTOS", positional=True)
    json: Path | None = flag(None, "write boxes and scores there; - is stdout", "FILE")
    preview: Path | None = flag(None, "draw every face, numbered, with its parts", "FILE")
    own_masks: Path | None = own_masks_flag()
    region: Path | None = flag(
        None, "look for faces only where this picture is white, in every photo", "FILE"
    )
    config: Path | None = config_flag()


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea detect", Detect, arguments, without=("faces",), detection=DetectConfig()
    )
    from .work.detect import detect

    detect(flags, configs["detection"])
