"""What `facea portrait` and `facea template` are told: their forms, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag, device_flag, prediction_flag, vae_flag
from .flags import flag

ACTIONS = ("add", "check")


@dataclass(frozen=True)
class PortraitCommand(DetectorFlags):
    """Paint trained people into templates; pictures that are not fit are left out, with reasons."""

    templates: tuple[Path, ...] = flag(
        (), "pictures, or folders of them, as `facea template add` fills", "PICTURES",
        positional=True,
    )  # fmt: skip
    identity: tuple[Path, ...] = flag((), "an identity file for each person", "FILES")
    base: str | Path = flag(
        MISSING, "a model of the family that they were trained on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )  # fmt: skip
    out: Path = flag(MISSING, "folder for the portraits, sheet.png and portraits.json", "DIR")
    prompt: str = flag("", "said beside each person's own words, where a template says nothing")
    by_likeness: bool = flag(
        False, "seat each over the face most like theirs, by --photos; else from left to right"
    )
    photos: tuple[Path, ...] = flag(
        (), "a folder of photos of each person, in their order: to choose by, and to seat by "
        "likeness", "DIRS",
    )  # fmt: skip
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    config: Path | None = config_flag()


@dataclass(frozen=True)
class TemplateCommand(DetectorFlags):
    """Add pictures to a folder of templates, or only say which are fit and why others are not."""

    action: str = flag(MISSING, "add or check", "add|check", positional=True)
    pictures: tuple[Path, ...] = flag(
        (), "pictures, or folders of them", "PICTURES", positional=True
    )
    into: Path | None = flag(None, "add: the folder of templates", "DIR")
    people: int = flag(1, "how many people are to be painted", min=1, max=16)
    resolution: int = flag(
        512, "native resolution of the model, in pixels; facea-tiny: 128", min=64, max=4096
    )
    prompt: str = flag("", "add: what the picture shows beside the people")
    faces: str = flag("", "the faces that count, from left to right: 0, 2; empty = all")
    keep: Path | None = flag(
        None, "add: mask of what is in front of faces and stays, for a single picture", "FILE"
    )
    config: Path | None = config_flag()
