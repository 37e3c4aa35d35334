"""What a set of pictures is made of: one record for each picture, kept or rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..errors import ConfigError, quoted

IMAGES = "images"
"""The folder of a set that holds its pictures, a folder of each person in it."""


@dataclass(frozen=True)
class Picture:
    """One picture of a set, a JPEG in its folder, and everything that is known of it.

    `label` counts the people from 0; `path` is relative to the set, with /. `asked` is the level of
    each axis that was asked for, `read` those that were read in the finished picture. `cosine` is
    that to the mean of the person's photos, `margin` how much more that is than to anybody else's,
    of whom `nearest` is the first; `alike` is the correlation with the most similar picture of the
    person, photo or kept, in [-1, 1]. `tries` counts the paintings that this picture took. `box`
    (x0, y0, x1, y1) of the face and `points`, both eyes (left in the image first), tip of the nose,
    both corners of the mouth, are in pixels of the picture; no points where none could be read.
    """

    id: str
    identity: str
    label: int
    path: str
    sha256: str
    width: int
    height: int
    caption: str
    prompt: str
    negative: str
    asked: Mapping[str, str]
    read: Mapping[str, str]
    cosine: float
    margin: float | None
    nearest: str
    alike: float
    tries: int
    seed: int
    host: str
    host_sha256: str
    box: tuple[int, int, int, int]
    points: tuple[tuple[float, float], ...]
    identity_sha256: str
    model: str
    settings: str
    split: str = "train"
    licence: str = ""
    consent: str = ""
    synthetic: bool = True
    version: str = ""

    def row(self) -> dict[str, Any]:
        """Plain values, as in a line of manifest.jsonl."""
        return {**asdict(self), "box": list(self.box), "points": [list(p) for p in self.points]}


def picture_of(row: Mapping[str, Any]) -> Picture:
    """The picture that a row describes; keys that no picture has are passed over.

    Raises ConfigError for one that is missing.
    """
    known = {one.name: row[one.name] for one in fields(Picture) if one.name in row}
    try:
        picture = Picture(**known)
    except TypeError as error:
        raise ConfigError(
            f"a line of the manifest is not whole ({error}): {quoted(str(row))}"
        ) from error
    box, points = tuple(picture.box), tuple((x, y) for x, y in picture.points)
    return Picture(**{**known, "box": box, "points": points})


@dataclass(frozen=True)
class Rejected:
    """A painting that was not kept, and why."""

    identity: str
    host: str
    seed: int
    asked: Mapping[str, str]
    reason: str
    cosine: float | None = None


@dataclass(frozen=True)
class Sampled:
    """What was made of one person: kept pictures with their JPEG files, in order, and the others.

    `short` says of each cell of the grid that could not be filled why not; `vectors` are those of
    the faces. `figures` has `tries`, paintings in all, and `host`, the mean cosine with the hosts'
    own faces.
    """

    pictures: tuple[Picture, ...]
    jpegs: tuple[bytes, ...]
    rejected: tuple[Rejected, ...] = ()
    short: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    vectors: tuple[tuple[float, ...], ...] = ()
