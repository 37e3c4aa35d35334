"""What `facea hints` is told: its form, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag
from .flags import flag


@dataclass(frozen=True)
class HintsCommand(DetectorFlags):
    """Draw a hint for a ControlNet from the faces of a picture, as large as the picture.

    With --photos and --blend the faces take the shape of a person's.
    """

    image: Path = flag(MISSING, "the picture to draw a hint for", "IMAGE", positional=True)
    out: Path = flag(MISSING, "the hint; .png keeps every pixel", "FILE")
    photos: tuple[Path, ...] = flag(
        (), "photos of the person, of which the first with a face counts", "PHOTOS"
    )
    mask: Path | None = flag(
        None, "write there the heads of the picture together with the drawn faces, white", "FILE"
    )
    region: Path | None = flag(None, "look for faces only where this picture is white", "FILE")
    json: Path | None = flag(None, "write there what was drawn; - is stdout", "FILE")
    config: Path | None = config_flag()
