"""What the text encoder learns to read: captions of whole people, of parts, and of nothing."""

from __future__ import annotations

import random
from typing import NamedTuple

from torch import Tensor

from facea_core.synthetic.render import PARTS, class_noun, describe_all, describe_part_all


class Description(NamedTuple):
    """Everything that can be said of one picture; `parts` in the order of PARTS."""

    noun: str
    whole: str
    parts: tuple[str, ...]


def describe_pool(people: Tensor, scenes: Tensor) -> list[Description]:
    """One description per picture; said once, for saying it is slower than learning it."""
    parts = zip(*(describe_part_all(people, part) for part in PARTS), strict=True)
    nouns = [class_noun(person) for person in people]
    whole = describe_all(people, scenes)
    return [Description(*row) for row in zip(nouns, whole, parts, strict=True)]


def caption(of: Description, part: int, rng: random.Random) -> str:
    """A caption for an image whose mask covers `part`, an index of PARTS or `HEAD`.

    One in ten is empty, for guidance. The rest name all, some or none of what can be seen, so that
    prompts of any length between "a photo of a man" and the full description are familiar.
    """
    if rng.random() < 0.1:
        return ""
    if part > 0:
        phrase, name = of.parts[part], PARTS[part]
        return rng.choice(
            [
                f"a photo of {phrase}",
                phrase,
                f"{phrase} of a {of.noun}",
                f"a photo of {phrase} of a {of.noun}",
                f"a photo of the {name} of a {of.noun}",
            ]
        )
    style = rng.random()
    if style < 0.1:
        return f"a photo of a {of.noun}"
    if style < 0.6:
        head, _, rest = of.whole.partition(" with ")
        kept = [phrase for phrase in rest.split(", ") if rng.random() < 0.93]
    else:
        head = f"a photo of a {of.noun}"
        kept = [phrase for phrase in of.parts[1:] if rng.random() < 0.75]
        rng.shuffle(kept)
    joint = " " if style > 0.8 else ", "  # learned words stand side by side without commas
    return f"{head} with {joint.join(kept)}" if kept else head
