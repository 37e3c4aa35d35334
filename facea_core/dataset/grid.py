"""What varies in a set, and which picture shows which of it: a Latin hypercube for each person."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch

from ..errors import ConfigError, quoted
from ..seeds import seeded
from ..settings import LONGEST_TEXT

Cell = Mapping[str, str]
"""Axis -> the level that one picture shall show."""

MEASURED: Mapping[str, tuple[str, str, str]] = {
    "yaw": ("left", "front", "right"),
    "roll": ("left", "upright", "right"),
    "scale": ("small", "middle", "large"),
    "light": ("from the left", "even", "from the right"),
    "backdrop": ("dark", "middle", "bright"),
}
"""Axes that host pictures bring along: their levels are thirds of the hosts, from low to high."""

QUALITY = "quality"
QUALITIES = ("clean", "blurred", "compressed")
"""What is done to the finished picture."""

PLAIN = ("neutral", "none", "as is", "-")
"""Levels that add no words to the prompt."""

_MOST_LEVELS = 50


@dataclass(frozen=True)
class Axis:
    """One thing that varies; a level may stand several times, to be more frequent."""

    name: str
    levels: tuple[str, ...]

    @property
    def measured(self) -> bool:
        """Whether it is read off pictures, hosts and results alike."""
        return self.name in MEASURED

    @property
    def in_words(self) -> bool:
        """Whether the prompt says it."""
        return not self.measured and self.name != QUALITY

    def quota(self, count: int) -> dict[str, tuple[int, int]]:
        """How often at least and at most each level belongs into so many pictures."""
        return {
            level: (
                count * times // len(self.levels),
                -(-count * times // len(self.levels)),
            )
            for level, times in ((one, self.levels.count(one)) for one in self.levels)
        }


def axes_of(text: str) -> tuple[Axis, ...]:
    """The axes of a text such as "yaw; scale: small, large; hat: none, a red hat".

    Between semicolons or on lines of their own; a measured axis and the quality may stand without
    levels and then have all of theirs. Raises ConfigError for an axis without levels, one that is
    there twice, and a level that a measured axis does not have.
    """
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"axes has {len(text)} characters; {LONGEST_TEXT} are read")
    axes = tuple(_axis(part) for part in text.replace("\n", ";").split(";") if part.strip())
    names = [axis.name for axis in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"axes has {quoted(twice)} twice; give each once, with all its levels")
    return axes


def _axis(text: str) -> Axis:
    name, colon, rest = (piece.strip() for piece in text.partition(":"))
    name = name.lower()
    if not name:
        raise ConfigError(f"axes: {quoted(text.strip())} has no name; write name: level, level")
    known = MEASURED.get(name) or (QUALITIES if name == QUALITY else ())
    levels = tuple(" ".join(level.split()) for level in rest.split(",") if level.strip())
    if not levels and not colon and known:
        return Axis(name, tuple(known))
    if not levels:
        raise ConfigError(
            f"axes: {quoted(name)} has no levels; write {name}: level, level; only "
            f"{', '.join((*MEASURED, QUALITY))} have levels of their own"
        )
    if len(levels) > _MOST_LEVELS:
        raise ConfigError(f"axes: {quoted(name)} has {len(levels)} levels; {_MOST_LEVELS} at most")
    wrong = next((level for level in levels if known and level not in known), None)
    if wrong is not None:
        raise ConfigError(f"axes: {name} has no level {quoted(wrong)}; it has {', '.join(known)}")
    return Axis(name, levels)


def cells(axes: Sequence[Axis], count: int, whose: str, seed: int) -> list[Cell]:
    """`count` cells for the person called `whose`: of each axis every level as often as any other,
    within one, in an order of its own.

    The same for the same name and seed. Without axes the cells are empty.
    """
    columns = {axis.name: _column(axis, count, whose, seed) for axis in axes}
    return [{name: column[number] for name, column in columns.items()} for number in range(count)]


def _column(axis: Axis, count: int, whose: str, seed: int) -> list[str]:
    generator = seeded(number_of(whose, axis.name, seed))
    # Which levels are there once more must differ between people, or one is too frequent in all.
    first = torch.randperm(len(axis.levels), generator=generator).tolist()
    column = list(islice(cycle(axis.levels[one] for one in first), count))
    return [column[place] for place in torch.randperm(count, generator=generator).tolist()]


def words_of(axes: Sequence[Axis], cell: Cell) -> tuple[str, ...]:
    """What the prompt says of a cell, in the order of the axes."""
    return tuple(cell[axis.name] for axis in axes if axis.in_words and cell[axis.name] not in PLAIN)


def number_of(*parts: object) -> int:
    """A seed of 64 bits for what the parts name."""
    said = "\0".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "little")
