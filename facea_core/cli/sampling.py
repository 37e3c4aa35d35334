"""What `facea dataset` and `facea new-people` are told: their forms, read without torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from ..dataset.formats.names import HELP, parse_formats
from ..engines import ENGINES, check_engine
from ..hints.config import KINDS, LINES
from ..settings import check_choice
from .common import config_flag, device_flag, prediction_flag, vae_flag
from .flags import Form, flag


@dataclass(frozen=True)
class PeopleFlags(Form):
    """Who is painted into what, by which model."""

    people: Path = flag(
        MISSING,
        "a folder with a folder of photos for each person, as for facea train-all",
        "PEOPLE",
        positional=True,
    )
    identities: Path = flag(
        MISSING, "the folder with NAME.safetensors of each, as facea train-all writes it", "DIR"
    )
    hosts: Path = flag(
        MISSING,
        "pictures of anybody to paint over, one face in each; those in a folder in it called man, "
        "woman, ... are for these people alone",
        "DIR",
    )
    base: str | Path = flag(
        MISSING, "a model of the family that they were trained on: file or diffusers folder",
        "CKPT|DIR|tiny",
    )  # fmt: skip
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    device: str = device_flag()
    config: Path | None = config_flag()


@dataclass(frozen=True)
class DatasetCommand(PeopleFlags):
    """Make a set of many different pictures of each of some trained people.

    Everybody is painted into host pictures; what is like their photos, and no copy of one, is kept.
    What was sampled before is found, and a set that was stopped goes on.
    """

    out: Path = flag(MISSING, "folder for the set", "DIR")
    format: str = flag(
        "folder", "how the set is written, with commas: " + "; ".join(
            f"{name}: {what}" for name, what in HELP.items()
        ),
    )  # fmt: skip
    title: str = flag("", "what the set is called in its README")
    licence: str = flag("", "the licence of the set, such as cc-by-4.0; said of each picture")
    consent: str = flag(
        "", "what the people agreed to; consent.txt beside the photos of one outweighs it"
    )
    control: str | Path | None = flag(
        None, "a ControlNet of the model's family, which paints in the pose of each host's face",
        "FILE|tiny",
    )  # fmt: skip
    hint: str = flag(
        LINES,
        "what --control is shown of the host's face, as facea hints draws it",
        "|".join(KINDS),
    )
    control_strength: float = flag(1.0, "how strongly: 0 to 2, 0 = not at all", min=0, max=2)
    engine: str = flag(
        "serial", "one after the other, several at once on this machine, or Ray", "|".join(ENGINES)
    )
    workers: int = flag(
        0, "people sampled at once; 0 = one for each GPU, else one for each core", min=0, max=4096
    )
    address: str = flag("", "a running Ray cluster to use, as auto; empty = start one here", "HOST")
    dry_run: bool = flag(
        False, "only say how many pictures, hours and bytes it would be, after painting one of them"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_formats(self.format)
        check_choice("hint", self.hint, KINDS)
        check_engine(self.engine, self.workers, self.address)


@dataclass(frozen=True)
class NewPeopleCommand(PeopleFlags):
    """Make people whom nobody is: blends of two trained ones that are like nobody enrolled.

    Each has an identity file and a folder of portraits in the place of photos, as `facea dataset`
    takes them.
    """

    out: Path = flag(
        MISSING, "folder for identities/NAME.safetensors and people/NAME/ with portraits", "DIR"
    )
    count: int = flag(10, "how many new people", min=1, max=10_000)
