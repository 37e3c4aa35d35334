"""The people and images of the demo: all of them painted, from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..attributes import PRESETS
from ..seeds import SHORT, seeded, short_seed
from ..synthetic.parameters import IDENTITY
from ..synthetic.render import (
    Painting,
    class_noun,
    describe,
    paint,
    sample_people,
    sample_scenes,
)

PHOTOS, HELDOUT = 3, 8

# Pre-training draws its people from small seeds; these must stay people it has not seen.
UNSEEN = 0x5EED_0000


@dataclass(frozen=True, eq=False)
class Cast:
    """Who takes part. `photos` and `heldout` show one person, `context` another person.

    `answer` is the person painted by the painter where the other one stands, the best that a result
    could be.
    """

    person: str
    noun: str
    attributes: tuple[str, ...]
    photos: Painting
    heldout: Painting
    context: Painting
    answer: Painting


def draw_cast(seed: int, size: int = 128, photos: int = PHOTOS) -> Cast:
    """The people and images of one demo, `size` pixels square; the same seed, the same bytes.

    Another number of `photos` leaves everything else as it is.
    """
    generator = seeded((UNSEEN + short_seed(seed)) % SHORT)
    person, other = sample_people(2, generator).split(1)
    # An image to paint into is asked for by the same class noun.
    gender = IDENTITY.index("gender")
    other = other.clone()
    other[:, gender] = person[:, gender]
    scenes = sample_scenes(PHOTOS + HELDOUT, generator)
    busy = sample_scenes(1, generator, busy=True)
    more = sample_scenes(max(photos - PHOTOS, 0), generator)
    shown, unseen = torch.cat([scenes[:PHOTOS], more])[:photos], scenes[PHOTOS:]
    learned = paint(person.expand(photos, -1), shown, size)
    noun = class_noun(person[0])
    preset = PRESETS["female" if noun == "woman" else "male"]
    return Cast(
        person=describe(person[0]),
        noun=noun,
        # A bald woman has no hair to learn.
        attributes=tuple(a for a in preset if all(a in boxes for boxes in learned.boxes)),
        photos=learned,
        heldout=paint(person.expand(HELDOUT, -1), unseen, size),
        context=paint(other, busy, size),
        answer=paint(person, busy, size),
    )
