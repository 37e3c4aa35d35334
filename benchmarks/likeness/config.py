"""The settings of FaceA-Bench: one source for the CLI's flags and JSON files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from facea_core.errors import ConfigError, quoted
from facea_core.settings import check_settings, setting

from .arms import arms


@dataclass(frozen=True)
class BenchmarkConfig:
    """How much is compared. The defaults are the quick form; the paper's is 28 people, 40 scenes.

    Raises ConfigError for a value out of range, an unknown arm and a part that is none.
    """

    people: int = setting(4, "number of people to train", 1, 1000)
    first: int = setting(0, "number of the first synthetic person", 0, 10**6)
    scenes: int = setting(5, "images that each person is painted into", 1, 1000)
    arms: str = setting(
        "main", "what is compared, with commas: groups, arms, or settings such as steps=50+rank=8"
    )
    part: str = setting("1/1", "2/3 = the second of three processes that share the work")

    def __post_init__(self) -> None:
        check_settings(self)
        arms(self.arms)
        number, count = self.share
        if not 1 <= number <= count:
            raise ConfigError(f"part is {quoted(self.part)}; give a number and a count such as 2/3")

    @property
    def share(self) -> tuple[int, int]:
        """(which part, of how many)."""
        with suppress(ValueError):
            number, count = map(int, self.part.split("/"))
            return number, count
        return 0, 0
