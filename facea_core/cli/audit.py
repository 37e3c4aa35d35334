"""`facea audit`: which photos are good enough to learn a person from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..audit.config import EMBEDDERS, AuditConfig
from ..detection.config import DetectConfig
from .common import DetectorFlags, config_flag, own_masks_flag
from .flags import flag, parse

LIMITS = tuple(spec.name for spec in fields(AuditConfig) if spec.name != "policy")
"""What only this command lets people change: others take the limits as they are."""

# Without these every photo gets its verdict, whatever is missing in it.
_NOT_HERE = ("on_missing", "part_grow", "part_feather", "faces")


@dataclass(frozen=True)
class AuditCommand(DetectorFlags):
    """Say red, amber or green of each photo, and why, before a person is learned from them."""

    images: tuple[Path, ...] = flag(
        (), "photos of one person, or a folder of them", "PHOTOS", positional=True
    )
    embedder: str = flag(
        "auto",
        "who tells people apart; auto = landmarks where installed, tiny at resolution 128",
        "|".join(EMBEDDERS),
    )
    json: Path | None = flag(None, "write verdicts and measures there; - is stdout", "FILE")
    overlay: Path | None = flag(
        None, "draw the photos, framed in their colours, with their reasons", "FILE"
    )
    own_masks: Path | None = own_masks_flag()
    crops: Path | None = flag(
        None,
        "write there a square crop of each face, turned upright, to be used as a photo",
        "DIR",
    )
    crop_size: int = flag(768, "side of those crops in pixels")
    config: Path | None = config_flag()


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea audit",
        AuditCommand,
        arguments,
        without=_NOT_HERE,
        detection=DetectConfig(),
        audit=AuditConfig(),
    )
    from .work.audit import audit_files

    audit_files(flags, configs["detection"], configs["audit"])
