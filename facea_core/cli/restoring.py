"""What `facea restore` is told: its form, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag, device_flag, prediction_flag, vae_flag
from .flags import flag


@dataclass(frozen=True)
class RestoreCommand(DetectorFlags):
    """Repair a damaged photo as a trained person; nothing changes outside the face.

    How it is damaged is estimated from the photo. Detection may need a lower --face-threshold.
    """

    image: Path = flag(MISSING, "the damaged photo", "PHOTO", positional=True)
    identity: Path = flag(MISSING, "the identity file from `facea train`", "FILE")
    base: str | Path = flag(
        MISSING, "a model of the family that the person was trained on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )  # fmt: skip
    out: Path = flag(MISSING, "the repaired photo", "FILE")
    prompt: str = flag("", "the prompt; empty = the identity's own prompt")
    mask: Path | None = flag(
        None, "what to repair, in place of a detected face: white is repainted", "FILE"
    )
    region: Path | None = flag(None, "search for the face only where this mask is white", "FILE")
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    json: Path | None = flag(
        None, "write the damage that was found, and what came out, to this file; - is stdout",
        "FILE",
    )  # fmt: skip
    config: Path | None = config_flag()
