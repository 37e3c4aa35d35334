"""What the text encoder learns to read: captions of whole people, of parts, and of nothing."""

from __future__ import annotations

import random

from torch import Tensor

from ..painter import PARTS, class_noun, describe, describe_part
from .dataset import HEAD

FEATURES = PARTS[1:]


def caption(person: Tensor, scene: Tensor, part: int, rng: random.Random) -> str:
    """A caption for a picture whose hole covers `part`, an index of PARTS or `HEAD`.

    One in ten is empty, for guidance. The rest name all, some or none of what can be seen, so that
    prompts of any length between "a photo of a man" and the full description are familiar.
    """
    if rng.random() < 0.1:
        return ""
    noun = class_noun(person)
    if part > 0:
        phrase, name = describe_part(person, PARTS[part]), PARTS[part]
        return rng.choice(
            [f"a photo of {phrase}", phrase, f"{phrase} of a {noun}", f"a photo of the {name} of a {noun}"]
        )
    style = rng.random()
    if style < 0.12:
        return f"a photo of a {noun}"
    if style < 0.5:
        head, _, rest = describe(person, scene).partition(" with ")
        kept = [phrase for phrase in rest.split(", ") if rng.random() < 0.85]
    else:
        head = f"a photo of a {noun}"
        kept = [describe_part(person, feature) for feature in FEATURES if rng.random() < 0.75]
        rng.shuffle(kept)
    return f"{head} with {', '.join(kept)}" if kept else head
