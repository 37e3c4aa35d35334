"""What the painter returns: images of people with what is where."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from .captions import describe_all

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Painting:
    """Images of N people with what is where.

    image: (N,3,size,size) float32 RGB in [0,1]. masks: part -> (N,1,size,size) float32 coverage in
    [0,1] of the visible part; 'face' is the head's skin with the features in it and without hair,
    ears and neck.
    """

    image: Tensor
    masks: dict[str, Tensor]
    people: Tensor = field(repr=False)
    scenes: Tensor = field(repr=False)

    @cached_property
    def boxes(self) -> tuple[dict[str, Box], ...]:
        """Per image: part -> half-open pixel box x0,y0,x1,y1 of mask > 0.5; absent if empty."""
        found: tuple[dict[str, Box], ...] = tuple({} for _ in range(self.image.shape[0]))
        for part, mask in self.masks.items():
            inside = mask[:, 0] > 0.5
            columns = inside.any(dim=1).cpu()
            rows = inside.any(dim=2).cpu()
            for i, (across, down) in enumerate(zip(columns, rows, strict=True)):
                xs, ys = across.nonzero(), down.nonzero()
                if len(xs):
                    found[i][part] = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
        return found

    @cached_property
    def captions(self) -> tuple[str, ...]:
        """One caption per image, person and scene included."""
        return describe_all(self.people, self.scenes)
