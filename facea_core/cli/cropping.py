"""What `facea crop` and `facea paste` are told: their forms, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag
from .flags import Form, flag


@dataclass(frozen=True)
class CropCommand(DetectorFlags):
    """Cut the square around a face, and its inpaint mask, for a program of your own.

    `facea paste` puts the result back.
    """

    image: Path = flag(MISSING, "the picture to cut from", "IMAGE", positional=True)
    out: Path = flag(
        MISSING, "folder for crop-1.png, mask-1.png … and crops.safetensors, which pastes them",
        "DIR",
    )  # fmt: skip
    size: int = flag(1024, "side of the crops in pixels, a multiple of 8", min=64, max=4096)
    parts: str = flag("", "only these parts: nose, mouth; empty = the whole head")
    mask: Path | None = flag(
        None, "cut where this picture is white, in place of a detected face", "FILE"
    )
    region: Path | None = flag(None, "look for the face only where this picture is white", "FILE")
    json: Path | None = flag(None, "write there where the crops lie; - is stdout", "FILE")
    config: Path | None = config_flag()


@dataclass(frozen=True)
class PasteCommand(Form):
    """Put crops back: colours matched, blended by the mask, nothing changed outside it."""

    image: Path = flag(MISSING, "the picture that they were cut from", "IMAGE", positional=True)
    crop: tuple[Path, ...] = flag((), "the repainted crops, in their order", "FILES")
    crops: Path = flag(MISSING, "crops.safetensors, as `facea crop` wrote it", "FILE")
    out: Path = flag(MISSING, "the finished picture", "FILE")
    colour_match: float = flag(
        1.0, "how strongly colours are matched to the image around the mask", min=0, max=1
    )
    json: Path | None = flag(None, "write there what was changed where; - is stdout", "FILE")
    config: Path | None = config_flag()
