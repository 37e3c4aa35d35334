"""`facea compose`: paint a learned person into a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path

from ..composing.config import ComposeConfig
from ..detection.config import DetectConfig
from .common import DetectorFlags, config_flag, device_flag, prediction_flag, vae_flag
from .flags import flag, parse


@dataclass(frozen=True)
class Compose(DetectorFlags):
    """Paint a learned person over a face of a picture; what lies outside stays as it is."""

    image: Path = flag(MISSING, "the picture to paint into", "IMAGE", positional=True)
    identity: Path = flag(MISSING, "the person, as `facea train` wrote it", "FILE")
    base: str | Path = flag(
        MISSING,
        "the model, of the family that the person was learned on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )
    out: Path = flag(
        MISSING,
        "the finished picture; .png and .webp keep what lies outside pixel for pixel, .jpg nearly",
        "FILE",
    )
    prompt: str = flag("", "what to paint; empty = the prompt of the training")
    parts: str = flag("", "repaint only these parts of the face: nose, mouth; empty = the head")
    references: tuple[Path, ...] = flag(
        (),
        "photos of the person, to choose among --candidates by; none = by how well each fits only",
        "PHOTOS",
    )
    mask: Path | None = flag(
        None, "repaint where this picture is white, in place of a detected face", "FILE"
    )
    region: Path | None = flag(None, "look for the face only where this picture is white", "FILE")
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    json: Path | None = flag(None, "write there what was painted where; - is stdout", "FILE")
    config: Path | None = config_flag()


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
