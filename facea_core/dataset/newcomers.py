"""People whom nobody is: blends of two learned ones that are like nobody enrolled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError
from ..evaluation import embed_faces
from ..identity.mixing import blend
from ..seeds import seeded
from ..types import Identity, Photo
from .accept import one_face
from .grid import number_of
from .hosts import Host
from .painting import Paint
from .people import Band, Person
from .sample import Tools

SHARES = (0.35, 0.65)
"""The first parent's share lies between: nearer to one of them it is that parent."""

PORTRAITS = 4
"""Pictures by which a newcomer is known, and which stand for their photos afterwards."""

_TRIES = 20
"""Blends for each newcomer wanted, before it is given up."""


@dataclass(frozen=True, eq=False)
class Newcomer:
    """Somebody new: the blend, its `portraits` and how like the most similar person it is.

    `parents` are names, `share` the first one's.
    """

    identity: Identity
    noun: str
    portraits: tuple[Photo, ...]
    parents: tuple[str, str]
    share: float
    nearest: float

    @property
    def consent(self) -> str:
        """What is to be said of them wherever they are shown."""
        first, second = self.parents
        return (
            f"nobody: a blend of the learned faces of {first} and {second}; show and share it only "
            "with the consent of both"
        )


def newcomers(
    people: Sequence[Person],
    identity_of: Callable[[Person], Identity],
    painter_of: Callable[[Identity], Paint],
    hosts: Sequence[Host],
    band: Band,
    tools: Tools,
    count: int,
    seed: int = 0,
) -> Iterator[Newcomer | str]:
    """Newcomers called new-0000 and on, up to `count`, and in between why a blend is none.

    Parents have one class noun. A blend is painted into `PORTRAITS` hosts: it is somebody if these
    are like each other, by the lower limit of `band`, and somebody new if their mean is less like
    everybody enrolled, and every newcomer before, than `band.stranger`. The same seed makes the
    same people. Raises ConfigError if no two people have one class noun.
    """
    pairs = [
        (a, b) for place, a in enumerate(people) for b in people[place + 1 :] if a.noun == b.noun
    ]
    if not pairs:
        raise ConfigError(
            "new people are blends of two with the same class noun, and there are no such two; "
            "train more people"
        )
    centres = [person.centre for person in people]
    names = [person.name for person in people]
    generator = seeded(number_of("newcomers", seed))
    found = 0
    for _ in range(_TRIES * count):
        first, second = pairs[int(torch.randint(len(pairs), (1,), generator=generator))]
        low, high = SHARES
        share = low + (high - low) * float(torch.rand(1, generator=generator))
        name = f"new-{found:04}"
        identity = blend([(identity_of(first), share), (identity_of(second), 1 - share)], name)
        fit = [host for host in hosts if host.noun in ("", first.noun)]
        order = torch.randperm(len(fit), generator=generator)[:PORTRAITS].tolist()
        paint = painter_of(identity)
        portraits = [_portrait(fit[one], paint, tools, number_of(name, one, seed)) for one in order]
        seen = [one for one in portraits if one is not None]
        who = f"{share:.0%} {first.name}, {1 - share:.0%} {second.name}"
        if len(seen) < min(PORTRAITS, len(fit)):
            yield f"{who}: a face was not painted where it should be"
            continue
        judged = _judged(embed_faces(seen, tools.embedder), centres, names, band)
        if isinstance(judged, str):
            yield f"{who}: {judged}"
            continue
        centre, nearest = judged
        centres.append(centre)
        names.append(name)
        found += 1
        yield Newcomer(identity, first.noun, tuple(seen), (first.name, second.name), share, nearest)
        if found == count:
            return


def _portrait(host: Host, paint: Paint, tools: Tools, seed: int) -> Photo | None:
    image, keep = host.read()
    made = paint(host, image, keep, (), seed)
    face = one_face(made, host, tools.detector)
    return None if isinstance(face, str) else Photo(made, face)


def _judged(
    vectors: Tensor, centres: Sequence[Tensor], names: Sequence[str], band: Band
) -> tuple[Tensor, float] | str:
    """The mean direction and the cosine of who is nearest to it, or why this is nobody new."""
    centre = F.normalize(vectors.mean(dim=0), dim=0)
    least = float((vectors @ centre).min())
    if least < band.lower:
        return f"the pictures are not of one person ({least:.3f})"
    alike = torch.stack(list(centres)) @ centre
    nearest = int(alike.argmax())
    if float(alike[nearest]) >= band.stranger:
        return f"like {names[nearest]} ({float(alike[nearest]):.3f})"
    return centre, float(alike[nearest])
