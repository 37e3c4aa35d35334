"""From heatmaps of part areas to boxes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_FINE = 2
"""Points per cell at which the edges of an area are looked for."""

_REACH = 3
"""Points next to an edge in which the height of the area there is taken: one and a half cells."""

_FLOOR = 0.2
"""Least peak probability of an area."""

_FOOT = 0.2
"""Share of the map's peak down to which cells belong to an area."""


class Area(NamedTuple):
    """A connected area of a heatmap: edges in units of the map's side, mean probability, share.

    `mass` is its share of the probability of all areas of the map.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    score: float
    mass: float


def find_areas(logits: Tensor) -> tuple[Area, ...]:
    """The connected areas of one square heatmap of logits `(n, n)`, largest mass first.

    Edges are finer than a cell: they lie where the interpolated probability falls to half of its
    height just inside. A fixed level would cut off what is thinner than a cell (the bridge of a
    nose, the corner of a mouth), because it never fills one.
    """
    from scipy.ndimage import label

    cells = logits.detach().float().sigmoid().cpu()
    peak = float(cells.max())
    if not peak >= _FLOOR:
        return ()
    fine = F.interpolate(
        cells[None, None], scale_factor=_FINE, mode="bilinear", align_corners=False
    )[0, 0]
    # Cells that touch at a corner are connected.
    labels = np.empty(cells.shape, dtype=np.int32)
    label((cells > _FOOT * peak).numpy(), np.ones((3, 3)), output=labels)
    found = []
    for number in range(1, int(labels.max()) + 1):
        inside = torch.from_numpy(labels == number)
        values = cells[inside]
        if float(values.max()) < max(_FLOOR, 0.4 * peak):
            continue
        # One cell around it holds its slopes.
        rim = F.max_pool2d(inside[None, None].float(), 3, stride=1, padding=1)
        own = fine * F.interpolate(rim, scale_factor=_FINE)[0, 0]
        x0, x1 = _edges(own.amax(dim=0))
        y0, y1 = _edges(own.amax(dim=1))
        solid = values[values >= 0.5 * values.max()]
        found.append(Area(x0, y0, x1, y1, float(solid.mean()), float(values.sum())))
    total = sum(area.mass for area in found)
    found = [area._replace(mass=area.mass / total) for area in found]
    return tuple(sorted(found, key=lambda area: -area.mass))


def _edges(profile: Tensor) -> tuple[float, float]:
    """Both ends of an area, in units of the side, from its highest probability at each point."""
    values = profile.tolist()
    return _edge(values), 1.0 - _edge(values[::-1])


def _edge(values: list[float]) -> float:
    peak = max(values)
    foot = next(i for i, value in enumerate(values) if value > _FOOT * peak)
    level = 0.5 * max(values[foot : foot + _REACH])
    first = next(i for i in range(foot, len(values)) if values[i] >= level)
    while first > 0 and values[first - 1] >= level:
        first -= 1
    if first == 0:
        return 0.0
    low, high = values[first - 1], values[first]
    return (first + 0.5 - (high - level) / max(high - low, 1e-6)) / len(values)
