"""What is gained where pictures are chosen to be different, beside a choice by chance."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from facea_core.dataset.choose import choose, spread
from facea_core.dataset.grid import number_of
from facea_core.seeds import seeded

from ..control.bench import by_person, markdown
from ..likeness.journal import Row
from ..likeness.tables import cell, estimate
from .bench import PHOTO, TRUTH, Bench, Task
from .learn import vectors_of
from .thin import features_in

NAME = "choice"
EXTRAS = (0.25, 0.5, 1.0)
"""As `extra` of facea dataset: of a person's pictures so many more than are kept."""

CELLS, FREE = "each for a cell", "free"
_DRAWS = 50


def work(bench: Bench) -> None:
    """Of every person's pictures a part is kept, chosen and by chance."""
    for arm in bench.arms if bench.share[0] == 1 else ():
        heads = bench.heads(arm)
        labels = heads.labels.unique().tolist()
        people = [f"person-{label}" for label in labels]
        names = [f"{arm}, {extra:g}" for extra in EXTRAS]
        if (
            arm == PHOTO
            or ", " in arm
            or not any(bench.left(NAME, n, people, heads.source) for n in names)
        ):
            continue
        vectors = vectors_of(bench.encoder, heads.crops)
        for label, person in zip(labels, people, strict=True):
            mine = heads.of(label)
            features = features_in(heads, mine, vectors)
            for extra, name in zip(EXTRAS, names, strict=True):
                figures = compared(features, extra, number_of(person, name))
                bench.add(NAME, name, person, heads.source, figures)


def compared(features: Tensor, extra: float, seed: int) -> dict[str, float]:
    """Least and mean distance of the pictures that are kept of `features (N, D)`, and those of a
    choice by chance, the mean of many.

    Each picture belongs to a cell, and one of each cell is kept; "free" are those where all belong
    to one cell, so that any may be kept.
    """
    total = len(features)
    keep = max(round(total / (1 + extra)), 1)
    draw, right = seeded(seed), [True] * total
    found: dict[str, float] = {}
    for name, cells in ((CELLS, [n % keep for n in range(total)]), (FREE, [0] * total)):
        chosen = spread(features[choose(features, cells, right, keep)])
        by_chance = []
        for _ in range(_DRAWS):
            order = torch.randperm(total, generator=draw).tolist()
            some = list({cells[n]: n for n in order}.values()) if name == CELLS else order[:keep]
            by_chance.append(spread(features[some]))
        found[f"{name}: least"], found[f"{name}: mean"] = chosen
        found[f"{name}: least by chance"] = fmean(least for least, _ in by_chance)
        found[f"{name}: mean by chance"] = fmean(mean for _, mean in by_chance)
    return {name: value for name, value in found.items() if value == value}


def table(rows: Sequence[Row]) -> str:
    """How many times as far apart chosen pictures are as pictures by chance."""
    shown = [f"{name}: {distance}" for name in (CELLS, FREE) for distance in ("least", "mean")]
    lines = []
    arms = sorted({row["arm"] for row in rows}, key=lambda arm: (not arm.startswith(TRUTH), arm))
    for arm in arms:
        name, _, extra = arm.partition(", ")
        found = [list(_times(rows, arm, key).values()) for key in shown]
        lines.append([f"`{name}`", extra, *(cell(estimate(one), signed=False) for one in found)])
    head = ["Set", "Extra", *(f"{name} distance" for name in shown)]
    text = (
        "Distance of the farthest points in that of as many by chance, means over people. Of N "
        "pictures N / (1 + extra) are kept: one for each cell, or any.\n\n"
    )
    return text + markdown(head, lines)


def _times(rows: Sequence[Row], arm: str, key: str) -> dict[str, float]:
    """Person -> the distance of chosen ones in that of others."""
    some = [row for row in rows if row.get(f"{key} by chance")]
    return by_person(some, arm, lambda mine: mine[0][key] / mine[0][f"{key} by chance"])


TASK = Task(NAME, work, table)
