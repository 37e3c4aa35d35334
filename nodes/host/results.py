"""What composing a batch hands out, written picture by picture into tensors of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...facea_core.composing import Job, Jobs
from ...facea_core.images import resize
from ...facea_core.types import Composition
from .layout import ROOM, Pictures, Stack, in_room
from .wiring import left_out


class Results:
    """The outputs of Compose for `jobs` on `pictures`, with crops of `side` pixels.

    Finished pictures and masks are held once, pairs in `ROOM` bytes at most. Crops that would need
    more are kept only where they are `wanted`.
    """

    def __init__(self, pictures: Pictures, jobs: Jobs, side: int, wanted: bool) -> None:
        self._pictures, self._jobs, self._side = pictures, jobs, side
        self._size = 12 * side * side * max(jobs.faces, len(jobs))
        self._keeps = wanted or self._size <= ROOM
        height, width = pictures.size
        self._pair_size = in_room((height, 2 * width), len(jobs))
        self._images, self._masks, self._pairs = (Stack(len(jobs)) for _ in range(3))
        self._crops, self._any = Stack(max(jobs.faces, len(jobs))), False
        self.made: list[Composition] = []
        """What was done to each picture; without the pictures."""

    def add(self, job: Job, made: Composition) -> None:
        self._images.add(_with_alpha(self._pictures.rgba(job.picture), made))
        self._masks.add(made.mask)
        pair = torch.cat([job.image, made.image], dim=-1)
        self._pairs.add(resize(pair, self._pair_size))
        if self._keeps:
            for patch in made.patches:
                self._crops.add(patch)
                self._any = True
        none = made.image[:0]
        self.made.append(replace(made, image=none, mask=none, crops=(), patches=()))

    @property
    def outputs(self) -> tuple[Any, ...]:
        """image, crop, mask, before_after."""
        if self._keeps and not self._any:
            # Without a painted face there still is a crop, so that no batch is ever empty.
            for job in self._jobs:
                self._crops.add(resize(job.image, (self._side, self._side)))
        crops = self._crops.image if self._keeps else left_out("crops", self._size)
        return self._images.image, crops, self._masks.image[..., 0], self._pairs.image


def _with_alpha(came: Tensor | None, made: Composition) -> Tensor:
    """The picture with the alpha channel that it had: what was painted is opaque."""
    if came is None:
        return made.image
    colour = torch.where(made.mask > 0, made.image, came[:, :3])
    return torch.cat([colour, torch.maximum(came[:, 3:], made.mask)], dim=1)
