"""What composing a batch hands out, written image by image into tensors of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from ...facea_core import composing
from ...facea_core.io.images import resize
from ...facea_core.machine import give_back_memory
from ...facea_core.types import Composition
from .layout import ROOM, Pictures, Stack, in_room
from .progress import say
from .wiring import left_out

CROP, MASK = 1, 2
"""Which outputs they are."""

_SOME = 16
"""Images after which the gaps that their painting has left go back to the system."""


class Results:
    """The outputs of Compose for `jobs` on `images`, with crops of `side` pixels.

    Finished images are held once, pairs in `ROOM` bytes at most. Crops and masks that would need
    more are kept only where they are wired: `wired` answers by the number of an output.
    """

    def __init__(
        self, images: Pictures, jobs: composing.Jobs, side: int, wired: Callable[[int], bool]
    ) -> None:
        self._given, self._jobs, self._side = images, jobs, side
        height, width = images.size
        pieces = max(jobs.faces, len(jobs))
        self._sizes = {CROP: 12 * side * side * pieces, MASK: 4 * height * width * len(jobs)}
        self._kept = {at for at, size in self._sizes.items() if size <= ROOM or wired(at)}
        self._pair_size = in_room((height, 2 * width), len(jobs))
        self._images, self._masks, self._pairs = (Stack(len(jobs)) for _ in range(3))
        self._crops = Stack(pieces)
        self.made: list[Composition] = []
        """What was done to each image; without the images."""

    def add(self, job: composing.Job, made: Composition) -> None:
        self._images.add(self._with_alpha(job, made))
        self._pairs.add(resize(torch.cat([job.image, made.image], dim=-1), self._pair_size))
        if MASK in self._kept:
            self._masks.add(made.mask)
        if CROP in self._kept:
            for patch in made.patches:
                self._crops.add(patch)
        none = made.image.new_empty(0)  # a slice of it would keep all of it
        self.made.append(replace(made, image=none, mask=none, crops=(), patches=()))
        if len(self.made) % _SOME == 0:
            give_back_memory()

    @property
    def outputs(self) -> tuple[Any, ...]:
        """image, crop, mask, before_after."""
        if CROP in self._kept and not self._crops:
            # Without a repainted face there still is a crop, so that no batch is ever empty.
            for job in self._jobs:
                self._crops.add(resize(job.image, (self._side, self._side)))
        crops, masks = (
            stack.image if at in self._kept else left_out(name, self._sizes[at])
            for at, stack, name in ((CROP, self._crops, "crops"), (MASK, self._masks, "masks"))
        )
        masks = masks[..., 0] if torch.is_tensor(masks) else masks
        return self._images.image, crops, masks, self._pairs.image

    def _with_alpha(self, job: composing.Job, made: Composition) -> Tensor:
        """The image with the alpha channel that it had: what was painted is opaque."""
        if not self._given.clear:
            return made.image
        came = self._given.rgba(job.index)
        colour = torch.where(made.mask > 0, made.image, came[:, :3])
        return torch.cat([colour, torch.maximum(came[:, 3:], made.mask)], dim=1)


def said_of(made: Sequence[Composition], notes: Sequence[str]) -> list[str]:
    """What a user should see on the node without asking; nothing if all went as usual."""
    nothing = [] if any(one.plans for one in made) else ["nothing was painted"]
    of_images = [
        f"picture {number}, {note}" if made[1:] else note
        for number, one in enumerate(made, start=1) for note in one.notes
    ]  # fmt: skip
    return [*nothing, *notes, *of_images]


def tell(
    node: Any, made: Sequence[Composition], notes: Sequence[str], loras: Mapping[str, float],
    cropped: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """As `report_of`; what a user should see without asking is said on the node."""
    if said := said_of(made, notes):
        say("\n".join(said), node.hidden.unique_id)
    return report_of(made, notes, loras, cropped)


def report_of(
    made: Sequence[Composition],
    notes: Sequence[str],
    loras: Mapping[str, float],
    cropped: Sequence[str] = (),
) -> dict[str, Any]:
    """What was painted, as plain values.

    `loras`: how strongly each painted person's LoRA was in the model, in total; `cropped`: what of
    the wired was cropped along with a face.
    """
    images = [
        {
            "crops": [list(plan.box) for plan in one.plans],
            "candidates": [asdict(choice) for choice in one.choices],
            "notes": list(one.notes),
        }
        for one in made
    ]
    return {"pictures": images, "lora": dict(loras), "cropped": list(cropped), "notes": list(notes)}
