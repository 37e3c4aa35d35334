"""What shows a whole image, at any size, as it is in a crop of that image."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from ...facea_core.io.images import crop, resize
from ...facea_core.types import CropPlan

_ALIKE = 0.02
"""By how much the aspect of what shows the image may differ from the image's."""


@dataclass(frozen=True)
class Followed:
    """What of the wired was cropped along with a face, and what was used as it is, and why."""

    cropped: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    @property
    def notes(self) -> list[str]:
        return [f"{one}: used as it is, not cropped" for one in sorted(self.left)]


def shape_of(whole: Tensor, plan: CropPlan) -> bool:
    """Whether (…, h, w) has the shape of the image that `plan` crops, at any size."""
    (height, width), (tall, wide) = whole.shape[-2:], plan.source
    return abs(width * tall / (height * wide) - 1) <= _ALIKE


def of_frame(batch: Tensor, frame: int) -> Tensor:
    at = frame % len(batch)
    return batch[at : at + 1]


def crop_of(whole: Tensor, plan: CropPlan, *, mask: bool = False) -> Tensor:
    """The crop (1, C, s, s) of (1, C, h, w), which shows the image of `plan` at any size.

    At the image's own size it is `composing.crop_image`. Values below 0, by which ControlNet's
    hints mark what is to be inpainted, are not mixed with others.
    """
    piece = piece_of(whole, plan).float()
    if piece.min() < 0:
        return F.interpolate(piece, plan.size, mode="nearest-exact")
    return resize(piece, plan.size, mask=mask)


def piece_of(whole: Tensor, plan: CropPlan) -> Tensor:
    """The same before it is resized. Outside the border is repeated, as the image's is, so that it
    still shows what the model sees."""
    height, width = whole.shape[-2:]
    box = plan.box.scale(width / plan.source[1], height / plan.source[0])
    return crop(whole, box) if box.area > 0 else whole
