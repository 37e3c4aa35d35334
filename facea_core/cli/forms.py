"""What each command is told beside the settings of the core: its form, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from ..audit.config import EMBEDDERS
from ..backbone.spec import MOST_LAYERS
from ..identity.names import check_class_noun, person_name
from ..training.config import PRESETS
from .common import (
    DetectorFlags,
    config_flag,
    device_flag,
    embedder_flag,
    own_masks_flag,
    prediction_flag,
    vae_flag,
)
from .flags import Form, flag


@dataclass(frozen=True)
class Demo(Form):
    """Detect, train, compose and evaluate on painted people; a few minutes on a CPU."""

    out: Path = flag(
        Path("demo"),
        "folder for sheet.png, result.png, identity.safetensors and report.json",
        "DIR",
    )
    seed: int = flag(
        235,
        "who is painted, and every other random number; of this one the README shows the sheet",
        "INT",
    )
    steps: int | None = flag(None, "training steps; none = the preset's", "INT")


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


@dataclass(frozen=True)
class Train(DetectorFlags):
    """Learn a person from a few photos and write the identity file."""

    name: str = flag(
        MISSING, "what the person is called in prompts: a-z, 0-9, - and _, at most 64", "NAME"
    )
    class_noun: str = flag(MISSING, "what the person is: man, woman, ...", "NOUN", name="class")
    base: str | Path = flag(
        MISSING,
        "the inpainting model to learn on: a .safetensors checkpoint, a diffusers folder, or tiny",
        "CKPT|DIR|tiny",
    )
    photos: tuple[Path, ...] = flag(
        (), "photos of one person, or a folder of them; three are enough", "PHOTOS", positional=True
    )
    preset: str | None = flag(
        None,
        "named settings that the other flags change; none = tiny for facea-tiny, else paper",
        "|".join(PRESETS),
    )
    captions: bool = flag(
        False, "read the caption of photo.jpg from photo.txt: what is this photo's, as smiling"
    )
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    clip_skip: int = flag(
        0,
        "the layer of the text encoder to read, counted from the end; 0 = as the family was made",
        min=0,
        max=MOST_LAYERS,
    )
    out: Path | None = flag(None, "the identity file; none = NAME.safetensors", "FILE")
    run: Path | None = flag(
        None, "save the state of the run there, so that it can be stopped and continued", "DIR"
    )
    resume: bool = flag(False, "go on with the run in --run DIR")
    own_masks: Path | None = own_masks_flag()
    device: str = device_flag()
    json: Path | None = flag(None, "write figures of the training there; - is stdout", "FILE")
    config: Path | None = config_flag()

    def __post_init__(self) -> None:
        super().__post_init__()
        person_name(self.name)
        check_class_noun(self.class_noun)


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


@dataclass(frozen=True)
class Info(Form):
    """Say what an identity file holds: its person, words, base model, training and scores."""

    file: Path = flag(MISSING, "the identity, a .safetensors file", "FILE", positional=True)
    json: bool = flag(False, "print JSON")


@dataclass(frozen=True)
class Doctor(Form):
    """Look at packages, device, models, detectors and folders, and say what to do about each."""

    json: Path | None = flag(
        None,
        "also write the report there, for a bug report; - = to stdout and nothing else",
        "FILE",
    )
