"""Images of a batch and what goes with them: as many of one kind, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from ..errors import ImageError, MaskError
from ..io.images import check_mask, resize
from ..types import Size

T = TypeVar("T")


def pair(
    images: int, others: Sequence[T], noun: str, error: type[ImageError] | type[MaskError]
) -> list[tuple[int, int]]:
    """Which image goes with which of `others`, as numbers; one of a kind serves many of the other.

    Raises `error` for 2 of one kind and 3 of the other.
    """
    count = max(images, len(others))
    if min(images, len(others)) not in (1, count):
        raise error(
            f"there are {images} pictures and {len(others)} {noun}; give as many of both, or "
            "one of one kind"
        )
    return [(i % images, i % len(others)) for i in range(count)]


def size_of(image: Tensor) -> Size:
    return image.shape[-2], image.shape[-1]


def fitted(mask: Tensor, size: Size) -> Tensor:
    """A mask (1, 1, h, w) at `size` (H, W). Raises MaskError for what is no mask."""
    # Its values first: resizing would hide a scale of bytes and spread a NaN.
    mask = check_mask(mask.detach().cpu(), mask)
    return check_mask(resize(mask, size, mask=True), mask.new_empty(1, 1, *size))
