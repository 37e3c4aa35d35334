"""What `facea restore` is told: its form, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag, device_flag, prediction_flag, vae_flag
from .flags import flag


@dataclass(frozen=True)
class RestoreCommand(DetectorFlags):
    """Repair damaged photos as the trained people in them; nothing changes outside their faces.

    How each is damaged is estimated from it. Of several photos each is written as soon as it is
    done, the same command goes on where it was stopped, and those without a face are left out.
    Detection may need a lower --face-threshold.
    """

    photos: tuple[Path, ...] = flag(
        (), "the damaged photo; several, or a folder of them, for an album", "PHOTOS",
        positional=True,
    )  # fmt: skip
    identity: tuple[Path, ...] = flag(
        (), "the identity file from `facea train`; several: one for each face, from left to right",
        "FILES",
    )  # fmt: skip
    base: str | Path = flag(
        MISSING, "a model of the family that the person was trained on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )  # fmt: skip
    out: Path = flag(
        MISSING, "the repaired photo; of several the folder for them and restored.json", "FILE|DIR"
    )
    match: bool = flag(
        False, "tell who is who from the photo itself, and leave other people's faces alone"
    )
    prompt: str = flag("", "the prompt; empty = the identity's own prompt")
    references: tuple[Path, ...] = flag(
        (), "photos of the person: the likeness to them is told, and the best of --candidates kept",
        "PHOTOS",
    )  # fmt: skip
    pre_cleaned: Path | None = flag(
        None, "the photo as another program has repaired it: painting starts from there, and is "
        "still held to the photo itself", "FILE",
    )  # fmt: skip
    scratches: Path | None = flag(
        None, "mask of scratches and holes, where the photo shows nothing: white is lost", "FILE"
    )
    mask: Path | None = flag(
        None, "what to repair, in place of a detected face: white is repainted", "FILE"
    )
    region: Path | None = flag(None, "search for the face only where this mask is white", "FILE")
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    strip: Path | None = flag(
        None,
        "write the photo, the repaired one and that one damaged again, side by side; of "
        "several a folder",
        "FILE|DIR",
    )
    json: Path | None = flag(
        None, "write the damage that was found, and what came out, to this file; - is stdout",
        "FILE",
    )  # fmt: skip
    config: Path | None = config_flag()
