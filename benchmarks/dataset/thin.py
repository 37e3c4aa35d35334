"""Some of each person's heads only: those that differ most, or as many by chance."""

from __future__ import annotations

import torch
from torch import Tensor

from facea_core.dataset.choose import choose, features_of
from facea_core.dataset.grid import number_of
from facea_core.seeds import seeded

from .heads import Heads

FARTHEST, CHANCE = "farthest", "chance"


def features_in(heads: Heads, mine: Tensor, vectors: Tensor) -> Tensor:
    """How one person's heads, those numbered `mine (n,)`, differ: (n, D), as facea dataset has it.

    `vectors (N, d)` are of all heads.
    """
    measures = [heads.read(number) for number in mine.tolist()]
    return features_of(measures, vectors[mine] - vectors[mine].mean(dim=0))


def thinned(heads: Heads, vectors: Tensor, count: int, how: str) -> Heads:
    """At most `count` heads of each person: FARTHEST points, or by CHANCE."""
    some = []
    for label in heads.labels.unique().tolist():
        mine = heads.of(label)
        if how == FARTHEST:
            whole = len(mine)
            kept = choose(features_in(heads, mine, vectors), [0] * whole, [True] * whole, count)
        else:
            draw = seeded(number_of("thinned", label))
            kept = torch.randperm(len(mine), generator=draw)[:count].tolist()
        some.append(mine[sorted(kept)])
    index = torch.cat(some)
    return Heads(
        heads.crops[index], heads.labels[index], heads.measures[index],
        f"{heads.source}-{how}-{count}",
    )  # fmt: skip
