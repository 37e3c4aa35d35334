"""The exact answers: a painted person with parts of another, in the same picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from facea_core.seeds import seeded
from facea_core.synthetic.captions import class_noun, describe_part
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import IDENTITY, labels, sample_people, sample_scenes
from facea_core.synthetic.render import paint

from ..likeness.metrics import PARTS
from ..likeness.subjects import UNSEEN

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "eyes": (
        "eye_size", "eye_roundness", "eye_tilt", "eye_spacing", "eye_height", "eye_colour",
    ),
    "nose": ("nose_length", "nose_width", "nose_tip"),
    "mouth": ("mouth_width", "upper_lip", "lower_lip", "mouth_height", "lip_colour"),
}  # fmt: skip
"""The painter's numbers that make a part. Hair hangs on more than its own: on gender and baldness.
"""


def chimera(base: Tensor, other: Tensor, parts: Sequence[str]) -> Tensor:
    """People `base (N, IDENTITY_SIZE)` with these parts of `other`, as many or one."""
    mixed = base.clone()
    for part in parts:
        for name in COLUMNS[part]:
            mixed[:, IDENTITY.index(name)] = other[:, IDENTITY.index(name)]
    return mixed


@dataclass(frozen=True, eq=False)
class Host:
    """Somebody else's picture, and what it would be with one part of the person in it.

    `given` and `wanted` are the labels of both by question of the probe; `asked` says the person's
    part in words.
    """

    part: str
    before: Painting
    answer: Painting
    given: Mapping[str, int]
    wanted: Mapping[str, int]
    asked: str

    @property
    def noun(self) -> str:
        return class_noun(self.before.people[0])


def hosts(number: int, count: int, size: int) -> list[Host]:
    """For person `number` of the benchmarks, pictures of others and each part that differs there.

    Eyes behind glasses are left out. Same numbers, same bytes; the first are the same for any
    `count`.
    """
    person = sample_people(1, seeded(UNSEEN + number))
    generator, found = seeded(UNSEEN + number + (1 << 20)), []
    gender = IDENTITY.index("gender")
    for _ in range(count):
        other, scene = sample_people(1, generator), sample_scenes(1, generator)
        other[:, gender] = person[:, gender]
        before, given = paint(other, scene, size), _labels(other)
        for part in COLUMNS:
            mixed = chimera(other, person, [part])
            wanted = _labels(mixed)
            same = all(given[name] == wanted[name] for name in PARTS[part])
            if same or (part == "eyes" and given["glasses"]):
                continue
            asked = describe_part(person[0], part)
            found.append(Host(part, before, paint(mixed, scene, size), given, wanted, asked))
    return found


def _labels(person: Tensor) -> dict[str, int]:
    return {name: int(label) for name, label in labels(person).items()}
