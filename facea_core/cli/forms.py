"""What each command is told beside the settings of the core: its form, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from ..audit.config import EMBEDDERS
from ..backbone.spec import MOST_LAYERS
from ..engines import ENGINES, check_engine
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
    """Detect, train, compose and evaluate on synthetic people; a few minutes on a CPU."""

    out: Path = flag(
        Path("demo"),
        "folder for sheet.png, result.png, identity.safetensors and report.json",
        "DIR",
    )
    seed: int = flag(
        235,
        "random seed, which also chooses the person; the README shows the sheet of the default",
        "INT",
    )
    steps: int | None = flag(None, "training steps; none = the preset's", "INT")


@dataclass(frozen=True)
class Detect(DetectorFlags):
    """Find the face and its parts in each photo."""

    images: tuple[Path, ...] = flag((), "photos, or folders of them", "PHOTOS", positional=True)
    json: Path | None = flag(None, "write boxes and scores to this file; - is stdout", "FILE")
    preview: Path | None = flag(
        None, "draw every face, numbered, with its parts, to this file", "FILE"
    )
    own_masks: Path | None = own_masks_flag()
    region: Path | None = flag(
        None, "search for faces only where this mask is white, in every photo", "FILE"
    )
    references: tuple[Path, ...] = flag(
        (), "photos of one person: only their faces are used, the most alike first", "PHOTOS"
    )
    config: Path | None = config_flag()


@dataclass(frozen=True)
class AuditCommand(DetectorFlags):
    """Rate each photo red, amber or green, with reasons, before training."""

    images: tuple[Path, ...] = flag(
        (), "photos of one person, or a folder of them", "PHOTOS", positional=True
    )
    embedder: str = flag(
        "auto",
        "face recognition model; auto = landmarks where installed, tiny at resolution 128",
        "|".join(EMBEDDERS),
    )
    json: Path | None = flag(None, "write verdicts and measures to this file; - is stdout", "FILE")
    overlay: Path | None = flag(
        None, "write an image of the photos in coloured frames, with reasons", "FILE"
    )
    own_masks: Path | None = own_masks_flag()
    crops: Path | None = flag(
        None,
        "write a square, upright crop of each face to this folder, to be used as photos",
        "DIR",
    )
    crop_size: int = flag(768, "side of the crops in pixels")
    config: Path | None = config_flag()


@dataclass(frozen=True)
class TrainingFlags(DetectorFlags):
    """What a training is told, whoever is learned."""

    base: str | Path = flag(
        MISSING,
        "the inpainting model to train on: a .safetensors checkpoint, a diffusers folder, or tiny",
        "CKPT|DIR|tiny",
    )
    preset: str | None = flag(
        None,
        "base settings that other flags override; none = tiny for facea-tiny, else paper",
        "|".join(PRESETS),
    )
    captions: bool = flag(
        False,
        "name what is a photo's and not the person's: what photo.txt beside photo.jpg says, else "
        "what is seen: smiling, an open mouth, glasses that not all photos show, black and white",
    )
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    clip_skip: int = flag(
        0,
        "text encoder layer to use, counted from the end; 0 = the family's default",
        min=0,
        max=MOST_LAYERS,
    )
    device: str = device_flag()
    config: Path | None = config_flag()


@dataclass(frozen=True)
class Train(TrainingFlags):
    """Train a person's identity from a few photos and write the identity file."""

    name: str = flag(MISSING, "name in prompts: a-z, 0-9, - and _, at most 64 characters", "NAME")
    class_noun: str = flag(
        MISSING, "class noun of the person: man, woman, ...", "NOUN", name="class"
    )
    photos: tuple[Path, ...] = flag(
        (), "photos of one person, or a folder of them; three are enough", "PHOTOS", positional=True
    )
    out: Path | None = flag(None, "the identity file; none = NAME.safetensors", "FILE")
    run: Path | None = flag(
        None, "save the state of the run in this folder, so that it can be resumed", "DIR"
    )
    resume: bool = flag(False, "resume the run in --run DIR")
    own_masks: Path | None = own_masks_flag()
    json: Path | None = flag(None, "write the training's figures to this file; - is stdout", "FILE")

    def __post_init__(self) -> None:
        super().__post_init__()
        person_name(self.name)
        check_class_noun(self.class_noun)


@dataclass(frozen=True)
class TrainAll(TrainingFlags):
    """Train everybody of whom there is a folder of photos, each as `facea train` would.

    Who was trained before is found, a training that was stopped goes on, and who cannot be learned
    is recorded, while the others go on. The end is a table, and train-all.json in the folder --out.
    """

    people: Path = flag(
        MISSING,
        "a folder with a folder of photos for each person, who is called as it is",
        "PEOPLE",
        positional=True,
    )
    out: Path = flag(MISSING, "folder for the identities, NAME.safetensors", "DIR")
    class_noun: str = flag(
        "", "class noun of everybody without one of their own: man, woman, ...", "NOUN",
        name="class",
    )  # fmt: skip
    classes: Path | None = flag(
        None,
        "class nouns by name, as rows ada,woman or JSON; class.txt beside the photos outweighs it",
        "FILE.csv|FILE.json",
    )
    engine: str = flag(
        "serial", "one after the other, several at once on this machine, or Ray", "|".join(ENGINES)
    )
    workers: int = flag(
        0, "people trained at once; 0 = one for each GPU, else one for each core", min=0, max=4096
    )
    address: str = flag("", "a running Ray cluster to use, as auto; empty = start one here", "HOST")
    dry_run: bool = flag(False, "only say who would be trained, and who is found already")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.class_noun:
            check_class_noun(self.class_noun)
        check_engine(self.engine, self.workers, self.address)


@dataclass(frozen=True)
class Mix(Form):
    """Blend learned people into one identity, a LoRA like any other.

    The words of all parts that they have in common are blended too. Parts of several people are not
    blended but painted: give those to `facea compose` as --others and --mix.
    """

    people: tuple[Path, ...] = flag(
        (), "the people, as `facea train` wrote them", "FILES", positional=True
    )
    how: str = flag(MISSING, "how much of each, by their names: ada: 0.5, ben: 0.5")
    name: str = flag("", "what the blend is called in prompts; empty = after all of them", "NAME")
    out: Path = flag(MISSING, "the identity file", "FILE")


@dataclass(frozen=True)
class Slider(Form):
    """Learn a slider: a LoRA that adds at +1 what one prompt says and another does not, and takes
    it away at -1. No pictures are needed."""

    out: Path = flag(MISSING, "the LoRA file, for models/loras or facea compose --slider", "FILE")
    base: str | Path = flag(
        MISSING,
        "the model to learn on: a .safetensors checkpoint, a diffusers folder, or tiny",
        "CKPT|DIR|tiny",
    )
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    run: Path | None = flag(
        None, "save the state of the run there, so that it can be stopped and continued", "DIR"
    )
    resume: bool = flag(False, "go on with the run in --run DIR")
    device: str = device_flag()
    json: Path | None = flag(None, "write figures of the training there; - is stdout", "FILE")
    config: Path | None = config_flag()


@dataclass(frozen=True)
class Evaluate(DetectorFlags):
    """Compare generated images with photos of the person.

    Each image gets its likeness with the nearest photo, a cosine of the embedder, and a verdict:
    same person, unsure or somebody else. Strangers are never near 0, so go by the verdict, and
    compare only figures of one embedder.
    """

    generated: tuple[Path, ...] = flag((), "generated images", "PICTURES", positional=True)
    references: tuple[Path, ...] = flag((), "the photos that were trained on", "PHOTOS")
    held_out: tuple[Path, ...] = flag((), "other photos of the same person", "PHOTOS")
    embedder: str = embedder_flag()
    json: Path | None = flag(None, "write the figures to this file; - is stdout", "FILE")
    config: Path | None = config_flag()


@dataclass(frozen=True)
class Info(Form):
    """Show what an identity file contains: person, words, base model, training and scores."""

    file: Path = flag(MISSING, "the identity, a .safetensors file", "FILE", positional=True)
    json: bool = flag(False, "print JSON")


@dataclass(frozen=True)
class Doctor(Form):
    """Check packages, device, models, detectors and folders, and say how to fix each problem."""

    json: Path | None = flag(
        None,
        "also write the report to this file, for a bug report; - = only to stdout",
        "FILE",
    )
