"""What `facea compose` and `facea edit` are told: their forms, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from .common import DetectorFlags, config_flag, device_flag, prediction_flag, vae_flag
from .flags import flag


@dataclass(frozen=True)
class Compose(DetectorFlags):
    """Inpaint a trained person over a face in an image; nothing changes outside the mask."""

    image: Path = flag(MISSING, "the image to paint into", "IMAGE", positional=True)
    identity: Path = flag(MISSING, "the identity file from `facea train`", "FILE")
    base: str | Path = flag(
        MISSING,
        "a model of the family that the person was trained on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )
    out: Path = flag(
        MISSING,
        "the output image; .png and .webp keep every pixel outside the mask, .jpg nearly",
        "FILE",
    )
    prompt: str = flag("", "the prompt; empty = the identity's own prompt")
    parts: str = flag("", "repaint only these parts of the face: nose, mouth; empty = the head")
    others: tuple[Path, ...] = flag(
        (), "more people, for --mix and for --parts such as eyes:ada", "FILES"
    )
    mix: str = flag(
        "",
        "whose each part is, and the rest: eyes: ada, mouth: ben, rest: cleo; or how much of each: "
        "ada: 0.5, ben: 0.5",
    )
    references: tuple[Path, ...] = flag(
        (),
        "photos of the person: the most similar of --candidates is kept; none = the best fitting"
        " one",
        "PHOTOS",
    )
    slider: tuple[Path, ...] = flag(
        (), "sliders that `facea slider` wrote, or other plain LoRAs, beside the person", "FILES"
    )
    slider_strength: str = flag(
        "1", "how strongly: one number, or one for each slider with commas: 1,-0.5", "NUMBERS"
    )
    control: str | Path | None = flag(
        None, "a ControlNet of the model's family, which paints by --hint", "FILE|tiny"
    )
    hint: Path | None = flag(
        None,
        "what --control is shown: lines, depth or a pose of the whole image, at any size; each "
        "face gets its part",
        "IMAGE",
    )
    control_strength: float = flag(1.0, "how strongly: 0 to 2, 0 = not at all")
    control_end: float = flag(1.0, "the share of the steps after which --control is left out")
    mask: Path | None = flag(
        None, "inpaint mask to use instead of a detected face: white is repainted", "FILE"
    )
    keep: Path | None = flag(
        None, "mask of what is in front of the face, a hand, glasses: white is never repainted",
        "FILE",
    )  # fmt: skip
    region: Path | None = flag(None, "search for the face only where this mask is white", "FILE")
    over: tuple[Path, ...] = flag(
        (), "photos of whoever is to be painted over: other faces are left alone", "PHOTOS"
    )
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    json: Path | None = flag(
        None, "write what was painted and where to this file; - is stdout", "FILE"
    )
    config: Path | None = config_flag()


@dataclass(frozen=True)
class EditCommand(DetectorFlags):
    """Change one attribute of a face by words, the person kept; what lies outside stays as it is.

    The model alone lays the change out, and the person's LoRA finishes it. Without --identity the
    model edits any face.
    """

    image: Path = flag(MISSING, "the picture to edit", "IMAGE", positional=True)
    edit: str = flag(MISSING, "what to change: smiling, red hair, round glasses", "TEXT")
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
    identity: Path | None = flag(None, "who is in the picture, as `facea train` wrote it", "FILE")
    parts: str = flag("", "the parts to change: mouth, hair; empty = as the text of --edit says")
    mask: Path | None = flag(
        None, "edit where this picture is white, in place of parts of a detected face", "FILE"
    )
    region: Path | None = flag(None, "look for the face only where this picture is white", "FILE")
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    json: Path | None = flag(None, "write there what was painted where; - is stdout", "FILE")
    config: Path | None = config_flag()
