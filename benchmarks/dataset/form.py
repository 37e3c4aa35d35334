"""What the bench is told, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facea_core.cli.flags import Form, flag
from facea_core.errors import ConfigError, quoted

TASKS = ("downstream", "sets", "choice", "bias")
VARIED = ("skin", "glasses", "beard", "hair_colour", "freckles")


@dataclass(frozen=True)
class Sets(Form):
    """Learn face recognisers from sets of painted people, and test them on other people.

    Beside the sets that are given stand the painter's own pictures of the same people (truth) and
    three photos of each (photos). Other tasks measure the sets by themselves, what choosing among
    more pictures brings, and how an embedder takes one attribute that varies. May be stopped at any
    time; the same command goes on. The tables tell of all in the folder.
    """

    out: Path = flag(Path("dataset"), "folder for heads, encoders, figures and table.md", "DIR")
    tasks: str = flag("downstream, sets, choice", f"what is done: {', '.join(TASKS)}")
    sets: tuple[Path, ...] = flag(
        (), "sets of these people, each with its name; others are compared with the one called "
        "sampled", "NAME=DIR", name="set",
    )  # fmt: skip
    keep: str = flag(
        "", "of each person of that set so many pictures, as two sets more: those that differ most "
        "and as many by chance", "NAME:COUNT",
    )  # fmt: skip
    people: int = flag(100, "people that are learned from", min=2, max=1000)
    first: int = flag(0, "number of the first of them", min=0, max=10**6)
    pictures: int = flag(25, "the painter's pictures of each", min=2, max=1000)
    seeds: int = flag(5, "recognisers learned from each set", min=1, max=100)
    steps: int = flag(150, "batches that each learns from", min=1, max=10**6)
    others: int = flag(200, "other people to test on", min=2, max=1000)
    first_other: int = flag(100_000, "number of the first of them", min=0, max=10**6)
    other_pictures: int = flag(6, "pictures of each of them", min=2, max=100)
    vary: str = flag("skin", f"what bias varies: {', '.join(VARIED)}")
    encoder: Path | None = flag(
        None, "the embedder of bias, sets and choice; none = the one that ships", "FILE"
    )
    part: str = flag("1/1", "2/3 = the second of three processes that share the work")

    def __post_init__(self) -> None:
        super().__post_init__()
        last, last_other = self.first + self.people, self.first_other + self.others
        if self.first < last_other and self.first_other < last:
            raise ConfigError(
                f"people {self.first} to {last - 1} are learned from and {self.first_other} to "
                f"{last_other - 1} are tested on; give another first_other, so that nobody is both"
            )
        for name in self.attributes:
            if name not in VARIED:
                raise ConfigError(f"vary has {quoted(name)}; choose among {', '.join(VARIED)}")
        self.thin  # noqa: B018

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.vary.split(",") if name.strip())

    @property
    def thin(self) -> tuple[str, int] | None:
        """What `keep` says. Raises ConfigError for a set that is not given, or no count."""
        name, _, count = self.keep.partition(":")
        folders = self.folders
        if not self.keep:
            return None
        if name not in folders or not count.isdecimal() or int(count) < 2:
            raise ConfigError(
                f"keep is {quoted(self.keep)}; write a set's name and 2 or more, such as sampled:25"
            )
        return name, int(count)

    @property
    def folders(self) -> dict[str, Path]:
        """The sets by name. Raises ConfigError for one without a name of its own."""
        found: dict[str, Path] = {}
        for one in self.sets:
            name, equals, folder = str(one).partition("=")
            if not (name.replace("-", "").replace("_", "").isalnum() and equals and folder):
                raise ConfigError(f"set is {quoted(str(one))}; write name=folder, such as a=sets/a")
            if name in found or name in ("truth", "photos"):
                raise ConfigError(
                    f"set has the name {quoted(name)} twice; truth and photos are the painter's own"
                )
            found[name] = Path(folder)
        return found
