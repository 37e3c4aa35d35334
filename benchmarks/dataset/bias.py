"""What an embedder makes of one attribute that varies while a person stays the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from facea_core.evaluation import face_crop
from facea_core.evaluation.identity_encoder import IdentityEncoder
from facea_core.synthetic.parameters import (
    BEARDS,
    GLASSES,
    HAIR_COLOURS,
    IDENTITY,
    SKINS,
    labels,
)
from facea_core.synthetic.render import paint
from facea_core.types import Box

from ..control.bench import by_person, markdown
from ..likeness.journal import Row
from ..likeness.tables import cell, estimate
from .bench import Bench, Task
from .form import VARIED
from .heads import SIDE, SIZE, anywhere
from .metrics import threshold_at

NAME, AS_IS = "bias", "as they are"
FMR = 1e-3
"""The false match rate of people as they are, at whose threshold errors are counted."""

LEVELS: Mapping[str, Sequence[str]] = {
    "skin": SKINS, "glasses": GLASSES, "beard": BEARDS, "hair_colour": HAIR_COLOURS,
    "freckles": ("none", "freckles"),
}  # fmt: skip
assert tuple(LEVELS) == VARIED

_VALUES = (torch.arange(200) + 0.5) / 200


class Compared(NamedTuple):
    """Of each of P people, the mean vector of some pictures `(P, D)` and vectors of others
    `(P, n, D)`; `faces` of them all."""

    centres: Tensor
    probes: Tensor
    faces: Sequence[Sequence[Box]] = ()


def work(bench: Bench) -> None:
    """The people of the test, painted with each level of each attribute in the same scenes."""
    flags = bench.flags
    some = [anywhere(flags.first_other + number, flags.other_pictures)
            for number in range(flags.others)]  # fmt: skip
    people, scenes = torch.cat([person for person, _ in some]), torch.stack([s for _, s in some])
    numbers = [f"person-{flags.first_other + number}" for number in range(flags.others)]
    source = hashlib.sha256(people.numpy().tobytes() + scenes.numpy().tobytes()).hexdigest()[:16]
    left = [one for one in flags.attributes
            if bench.left(NAME, f"{one}: {AS_IS}", numbers, source)]  # fmt: skip
    if not left or bench.share[0] != 1:
        return
    plain = compared(bench.encoder, people, scenes, AS_IS)
    threshold = threshold_at(strangers_of(plain.probes, plain.centres).flatten(), FMR)
    for attribute in left:
        own = labels(people)[attribute]
        for level, name in enumerate(LEVELS[attribute]):
            changed, reached = varied(people, attribute, level)
            shown = compared(bench.encoder, changed, scenes, f"{attribute} {name}", plain.faces)
            figures = errors(plain, shown, threshold, reached)
            for number in (reached & (own != level)).nonzero().flatten().tolist():
                row = {key: float(values[number]) for key, values in figures.items()}
                bench.add(NAME, f"{attribute}: {name}", numbers[number], source, row)
        # Last, so that an attribute that was not finished is done again.
        everybody = torch.ones(len(people), dtype=torch.bool)
        figures = errors(plain, plain, threshold, everybody)
        for number in range(len(people)):
            row = {key: float(values[number]) for key, values in figures.items()}
            row["threshold"] = threshold
            bench.add(NAME, f"{attribute}: {AS_IS}", numbers[number], source, row)


def varied(people: Tensor, attribute: str, level: int) -> tuple[Tensor, Tensor]:
    """People `(P, I)` with the attribute's number in the middle of a level, all else as it was; and
    who can have it `(P,)`: women have no beards."""
    column = IDENTITY.index(attribute)
    tried = people.repeat_interleave(len(_VALUES), dim=0)
    tried[:, column] = _VALUES.repeat(len(people))
    fits = (labels(tried)[attribute] == level).view(len(people), -1)
    count = fits.sum(dim=1)
    middle = (fits * _VALUES).sum(dim=1) / count.clamp(min=1)
    changed = people.clone()
    changed[:, column] = torch.where(count > 0, middle, people[:, column])
    return changed, count > 0


@torch.no_grad()
def compared(
    encoder: IdentityEncoder,
    people: Tensor,
    scenes: Tensor,
    said: str,
    faces: Sequence[Sequence[Box]] = (),
) -> Compared:
    """People `(P, I)` in their scenes `(P, n, S)`: the first half is enrolled, the rest compared.

    Heads are cut by `faces` where there are any, so that nothing but what varies differs.
    """
    vectors, cut = [], []
    for number in tqdm(range(len(people)), desc=said, disable=None, leave=False):
        around = scenes[number]
        made = paint(people[number : number + 1].expand(len(around), -1), around, SIZE)
        boxes = faces[number] if faces else [Box(*boxes["face"]) for boxes in made.boxes]
        crops = [face_crop(image, box, SIDE)
                 for image, box in zip(made.image.split(1), boxes, strict=True)]  # fmt: skip
        vectors.append(encoder(torch.cat(crops)))
        cut.append(boxes)
    found = torch.stack(vectors)
    half = found.shape[1] // 2
    return Compared(F.normalize(found[:, :half].mean(dim=1), dim=1), found[:, half:], cut)


def strangers_of(probes: Tensor, centres: Tensor) -> Tensor:
    """Cosines `(P, n, P - 1)` of each person's probes with everybody else's centre."""
    count = len(centres)
    others = ~torch.eye(count, dtype=torch.bool)
    return torch.stack([probes[p] @ centres[others[p]].T for p in range(count)])


KEYS = ("own", "stranger", "missed", "alike passed", "alike missed")


def errors(plain: Compared, shown: Compared, threshold: float, having: Tensor) -> dict[str, Tensor]:
    """By KEYS, for each person `(P,)`: mean cosine with the own pictures as they are and with the
    nearest stranger, and the share of own pictures below the threshold.

    Of "alike" ones all have the level, when enrolled and when compared: the share of strangers that
    pass, of those `having (P,)` it, and of own pictures that do not.
    """
    own = torch.einsum("pnd,pd->pn", shown.probes, plain.centres)
    nearest = strangers_of(shown.probes, plain.centres).amax(dim=2)
    within = torch.einsum("pnd,pd->pn", shown.probes, shown.centres)
    strangers = having & ~torch.eye(len(having), dtype=torch.bool)
    passed = (shown.probes @ shown.centres.T > threshold) & strangers[:, None]
    values = (
        own.mean(dim=1),
        nearest.mean(dim=1),
        (own <= threshold).float().mean(dim=1),
        passed.float().mean(dim=1).sum(dim=1) / strangers.sum(dim=1),
        (within <= threshold).float().mean(dim=1),
    )
    return dict(zip(KEYS, values, strict=True))


def table(rows: Sequence[Row]) -> str:
    """A table for each attribute, a line for each level."""
    texts = []
    for attribute, names in LEVELS.items():
        some = [{**row, "arm": row["arm"].partition(": ")[2]} for row in rows
                if row["arm"].startswith(f"{attribute}: ")]  # fmt: skip
        limits = [row["threshold"] for row in some if "threshold" in row]
        if not limits:
            continue
        lines = []
        for name in (AS_IS, *names):
            found = [by_person(some, name, lambda r, key=key: r[0][key]) for key in KEYS]
            shares = [{p: 100 * v for p, v in one.items()} for one in found[2:]]
            shown = [*found[:2], *shares]
            cells = [cell(estimate(list(one.values())), signed=False) for one in shown]
            lines.append([name, str(len(found[0])), *cells])
        head = [
            attribute.replace("_", " "), "People", "Own, as they are", "Nearest stranger",
            "False non-match, %", "All have it: false match, %", "All have it: false non-match, %",
        ]  # fmt: skip
        said = (
            "Means over people, with 95 % intervals; a line leaves out who has its level. At "
            f"the threshold {limits[0]:.3f}, {FMR:g} of strangers match as they are."
        )
        texts.append(f"{said}\n\n{markdown(head, lines)}")
    return "\n\n".join(texts)


TASK = Task(NAME, work, table)
