"""What follows a crop of its image, and what does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

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
