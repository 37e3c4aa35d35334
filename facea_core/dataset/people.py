"""Whose pictures are made, and how like their photos a picture of them must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..audit.alike import Print, print_of
from ..errors import ConfigError, NoFaceError
from ..evaluation import Embedder, embed_faces
from ..types import Identity, Photo
from .config import DatasetConfig


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a set: what was learned of them, and what their photos say.

    `identity` is a file or the identity itself, `sha256` its content's; `vectors (N, D)` are the
    unit vectors of N photos and `prints` tell copies of these. `consent` is what is said of it.
    """

    name: str
    label: int
    noun: str
    identity: Path | Identity
    sha256: str
    vectors: Tensor
    prints: tuple[Print, ...] = field(repr=False)
    consent: str = ""

    @property
    def centre(self) -> Tensor:
        """The direction (D,) of the mean of the photos' vectors."""
        return F.normalize(self.vectors.mean(dim=0), dim=0)


def person_of(
    name: str,
    label: int,
    noun: str,
    identity: Path | Identity,
    sha256: str,
    photos: Sequence[Photo],
    embedder: Embedder,
    consent: str = "",
) -> Person:
    """The person of these photos; raises NoFaceError without any."""
    if not photos:
        raise NoFaceError(f"no photo of {name} shows a face; pictures of {name} cannot be judged")
    vectors = embed_faces(photos, embedder)
    prints = tuple(print_of(photo.image, photo.attributes) for photo in photos)
    return Person(name, label, noun, identity, sha256, vectors, prints, consent)


@dataclass(frozen=True)
class Band:
    """How like the person's photos a picture is to be: a cosine in [`lower`, `upper`].

    From `stranger` on a face may be somebody else's. `source` says where the limits come from.
    """

    lower: float
    upper: float
    stranger: float
    source: str


USUAL: dict[str, tuple[float, float, float]] = {
    "tiny": (0.60, 0.98, 0.60),
    "landmarks": (0.925, 0.99, 0.90),
}
"""By embedder: lower, upper and stranger where too few photos are there to measure.

The lower one of landmarks is `audit.alike.SAME_PERSON`. Of painted people 99 of 100 unseen photos
have 0.89 to 0.99 with the mean of three others where the face's box is exact, 999 of 1000 of
strangers 0.59 at most (40 people); with the detector's boxes some of the own lie down to there."""

LEAST_PAIRS = 30
"""Photos of the same person, each beside the others of them, from which on limits are measured."""

_MOST_PEOPLE = 1000
"""More are not compared with each other: pairs grow with their square."""

_BELOW = 0.1
"""How far below the photos themselves a painting may lie."""


def band_of(people: Sequence[Person], embedder: str, config: DatasetConfig) -> Band:
    """The limits of likeness: the config's own, else measured on everybody's photos, else usual.

    Measured are each photo beside the mean of the person's others, and beside the means of all
    other people: lower is the greater of what one stranger in a thousand reaches and of a tenth
    below all but the worst twentieth of the own photos, upper what all but one of 200 of these
    stay below. Raises ConfigError where the limits leave nothing between them.
    """
    lower, upper, stranger = USUAL.get(embedder, USUAL["landmarks"])
    own, others = _own(people), _others(people)
    source = (
        f"usual for the embedder {embedder}: {len(own)} photos, {LEAST_PAIRS} are needed to measure"
    )
    if len(own) >= LEAST_PAIRS:
        if len(others):
            stranger = float(torch.quantile(others, 0.999))
        lower = max(stranger, float(torch.quantile(own, 0.05)) - _BELOW)
        upper = float(torch.quantile(own, 0.995))
        source = f"measured on {len(own)} photos of {len(people)} people, embedder {embedder}"
    if config.lower or config.upper:
        source = f"as given; otherwise {source}"
    band = Band(config.lower or lower, config.upper or upper, stranger, source)
    if band.lower >= band.upper:
        raise ConfigError(
            f"pictures would have to be like the person by {band.lower:.3f} at least and "
            f"{band.upper:.3f} at most ({source}); set lower and upper"
        )
    return band


def _own(people: Sequence[Person]) -> Tensor:
    """Cosine of each photo with the mean of the person's other ones."""
    found = []
    for person in people:
        count = len(person.vectors)
        for number in range(count if count > 1 else 0):
            rest = torch.cat([person.vectors[:number], person.vectors[number + 1 :]]).mean(dim=0)
            found.append(person.vectors[number] @ F.normalize(rest, dim=0))
    return torch.stack(found) if found else torch.empty(0)


def _others(people: Sequence[Person]) -> Tensor:
    """Cosine of each photo with the mean of every other person's; of many people, of some."""
    some = people[:: -(-len(people) // _MOST_PEOPLE)]
    if len(some) < 2:
        return torch.empty(0)
    cosines = (
        torch.cat([person.vectors for person in some])
        @ torch.stack([person.centre for person in some]).T
    )
    whose = torch.cat([torch.full((len(one.vectors),), n) for n, one in enumerate(some)])
    return cosines[whose[:, None] != torch.arange(len(some))]
