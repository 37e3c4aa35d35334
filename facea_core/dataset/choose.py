"""Which of the pictures that pass are kept: different ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .reading import Measures

_LOOKS = 8
"""Directions in which faces differ most that count."""

_LOOK_WEIGHT = 0.5


def features_of(measures: Sequence[Measures], beside: Tensor) -> Tensor:
    """(N, D): how N pictures differ, each column standardised; axes that one lacks are left out.

    `beside (N, d)` is what each face vector has beside the person's mean.
    """
    shared = [name for name in measures[0] if all(name in one for one in measures)]
    columns = torch.tensor([[one[name] for name in shared] for one in measures]).double()
    looks = beside.double() - beside.double().mean(dim=0)
    # Signs of singular vectors differ between machines; distances do not.
    _, _, directions = torch.linalg.svd(looks, full_matrices=False)
    looks = looks @ directions[:_LOOKS].T
    both = torch.cat([_standard(columns), _LOOK_WEIGHT * _standard(looks)], dim=1)
    return both.float()


def _standard(columns: Tensor) -> Tensor:
    if len(columns) < 2 or not columns.shape[1]:
        return torch.zeros_like(columns)
    spread = columns.std(dim=0)
    # A direction of rounding noise must not count as much as yaw.
    wide = spread > 1e-3 * spread.max().clamp(min=1e-12)
    return torch.where(wide, (columns - columns.mean(dim=0)) / spread.clamp(min=1e-12), 0.0)


def choose(features: Tensor, cells: Sequence[int], right: Sequence[bool], count: int) -> list[int]:
    """Numbers of `count` pictures of N, or of all if there are fewer, in the order of their cells.

    `features (N, D)` say how they differ, `cells` for which cell each was painted, and `right`
    whether it shows what that asks for. One for each cell, a right one where there is any; then,
    where cells stayed empty, others. Each is the one farthest from those chosen before it
    (Gonzalez 1985), the first the one nearest to the middle of its cell's.
    """
    chosen: list[int] = []
    by_cell: dict[int, list[int]] = {}
    for number, cell in enumerate(cells):
        by_cell.setdefault(cell, []).append(number)
    for cell in sorted(by_cell, key=lambda cell: (len(by_cell[cell]), cell)):
        some = [one for one in by_cell[cell] if right[one]] or by_cell[cell]
        chosen.append(_farthest(features, some, chosen))
        if len(chosen) == count:
            break
    left = [number for number in range(len(cells)) if number not in chosen]
    while left and len(chosen) < count:
        one = _farthest(features, left, chosen)
        chosen.append(one)
        left.remove(one)
    return sorted(chosen, key=lambda number: (cells[number], number))


def _farthest(features: Tensor, some: Sequence[int], chosen: Sequence[int]) -> int:
    points = features[list(some)]
    if chosen:
        far = torch.cdist(points, features[list(chosen)]).amin(dim=1)
        return some[int(far.argmax())]
    near = (points - points.mean(dim=0)).norm(dim=1)
    return some[int(near.argmin())]


def spread(features: Tensor) -> tuple[float, float]:
    """Least and mean distance between two of the pictures; NaN where there are fewer than two."""
    if len(features) < 2:
        return float("nan"), float("nan")
    apart = torch.pdist(features)
    return float(apart.min()), float(apart.mean())
