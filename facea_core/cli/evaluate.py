"""`facea evaluate`: compare generated pictures with photos of the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..detection.config import DetectConfig
from .common import DetectorFlags, config_flag, embedder_flag
from .flags import flag, parse


@dataclass(frozen=True)
class Evaluate(DetectorFlags):
    """Compare generated pictures with photos of the person.

    Each picture gets its likeness with the nearest photo, a cosine of the embedder, and a verdict:
    same person, unsure or somebody else. Strangers are never near 0, so go by the verdict, and
    compare only figures of one embedder.
    """

    generated: tuple[Path, ...] = flag((), "generated pictures", "PICTURES", positional=True)
    references: tuple[Path, ...] = flag((), "the photos that were trained on", "PHOTOS")
    held_out: tuple[Path, ...] = flag((), "other photos of the same person", "PHOTOS")
    embedder: str = embedder_flag()
    json: Path | None = flag(None, "write the figures there; - is stdout", "FILE")
    config: Path | None = config_flag()


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
