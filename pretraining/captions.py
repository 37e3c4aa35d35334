"""What the text encoder learns to read: captions of whole people, of parts, and of nothing."""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from torch import Tensor

from facea_core.synthetic.parameters import EARS_HIDDEN, HAIR_STYLES, hair_style, labels, number
from facea_core.synthetic.render import PARTS, class_noun, describe_all, describe_part_all

_OPENINGS = (
    "a photo of a {}", "a painting of a {}", "a photo of the face of a {}", "the head of a {}",
)  # fmt: skip
_OPENING_SHARES = (0.82, 0.06, 0.06, 0.06)
_EXPRESSIONS = ("smiling", "an open mouth")


class Description(NamedTuple):
    """Everything that can be said of one picture; `parts` in the order of PARTS, `more` what is
    rarely said."""

    noun: str
    whole: str
    parts: tuple[str, ...]
    more: tuple[str, ...]


def describe_pool(people: Tensor, scenes: Tensor) -> list[Description]:
    """One description per picture; said once, for saying it is slower than learning it."""
    parts = zip(*(describe_part_all(people, part) for part in PARTS), strict=True)
    nouns = [class_noun(person) for person in people]
    whole = describe_all(people, scenes)
    return [Description(*row) for row in zip(nouns, whole, parts, _more(people), strict=True)]


def _more(people: Tensor) -> list[tuple[str, ...]]:
    """What each of them has not, and their ears where no hair is over them."""
    hidden = torch.tensor([style in EARS_HIDDEN for style in HAIR_STYLES])[hair_style(people)]
    sizes = (number(people, "ears") * 3).long().clamp(max=2).masked_fill(hidden, 3)
    said = [[("small ears", "ears", "large ears", "")[size] for size in sizes.tolist()]]
    classes = labels(people)
    for name in ("glasses", "beard", "freckles"):
        said.append([f"no {name}" * (not has) for has in classes[name].tolist()])
    return [tuple(filter(None, row)) for row in zip(*said, strict=True)]


def caption(of: Description, part: int, rng: random.Random) -> str:
    """A caption for an image whose mask covers `part`, an index of PARTS or `HEAD`.

    One in ten is empty, for guidance. The rest name all, some or none of what can be seen, so that
    prompts of any length between "a photo of a man" and the full description are familiar.
    """
    if rng.random() < 0.1:
        return ""
    noun = "person" if rng.random() < 0.15 else of.noun
    if part > 0:
        phrase, name = of.parts[part], PARTS[part]
        said = rng.choice(
            [
                f"a photo of {phrase}",
                phrase,
                f"{phrase} of a {noun}",
                f"a photo of {phrase} of a {noun}",
                f"a photo of the {name} of a {noun}",
            ]
        )
        moved = [word for word in _EXPRESSIONS if name == "mouth" and word in of.whole]
        return ", ".join([said, *(word for word in moved if rng.random() < 0.8)])
    head = rng.choices(_OPENINGS, _OPENING_SHARES)[0].format(noun)
    style = rng.random()
    if style < 0.1:
        return head
    if style < 0.6:
        kept = [p for p in of.whole.partition(" with ")[2].split(", ") if rng.random() < 0.93]
    else:
        kept = [phrase for phrase in of.parts[1:] if rng.random() < 0.75]
        rng.shuffle(kept)
        kept += [word for word in _EXPRESSIONS if word in of.whole and rng.random() < 0.6]
    kept += [phrase for phrase in of.more if rng.random() < 0.12]
    if len(kept) > 1 and rng.random() < 0.15:
        kept[-2:] = [f"{kept[-2]} and {kept[-1]}"]
    joint = " " if style > 0.8 else ", "  # learned words stand side by side without commas
    return f"{head} with {joint.join(kept)}" if kept else head
