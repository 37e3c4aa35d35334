"""Where to crop: the square around a mask that the model sees, and the size it sees it at."""

from __future__ import annotations

import torch
from torch import Tensor

from ..box import square_around
from ..errors import ConfigError, MaskError
from ..io.images import MOST_OUTSIDE
from ..masks import mask_box
from ..types import BackboneSpec, Box, CropPlan, Size

SNAP = 1.15
"""A crop this close to the native size is taken at exactly that size: no resampling, no blur."""

_MOST_PIXELS = 1 << 24
"""Pixels of a crop that may lie mostly outside its image."""


def plan_crop(
    mask: Tensor,
    spec: BackboneSpec,
    context_factor: float = 1.5,
    *,
    minimum: int | None = None,
) -> CropPlan:
    """Plans the square crop around everything that mask (1, 1, H, W) touches.

    The side is `context_factor` times the longer side of the mask's bounding box, at least
    `minimum` pixels (default: a quarter of the native resolution, so nothing is enlarged more than
    four times) and at most the image's longer side. The square is moved inside the image where
    it fits, so that the model sees real surroundings; where it does not fit it is centred on the
    image and reaches outside. It is painted at the native resolution of `spec`.

    Raises MaskError for an empty or misshapen mask, one with NaN or one that is long and narrow and
    huge, ConfigError for a factor below 1.
    """
    if mask.ndim != 4 or mask.shape[:2] != (1, 1) or 0 in mask.shape:
        raise MaskError(f"The mask must have the shape (1, 1, H, W), not {tuple(mask.shape)}.")
    if not torch.isfinite(mask).all():
        raise MaskError("The mask holds NaN or infinite values: give values from 0 to 1.")
    if not context_factor >= 1:
        raise ConfigError(f"context_factor is {context_factor}; give a number of at least 1.")
    box = mask_box(mask)
    if box is None:
        raise MaskError(
            f"The mask of size {tuple(mask.shape[2:])} is empty: mark the pixels to repaint with 1."
        )
    size = (mask.shape[2], mask.shape[3])
    side = spec.resolution
    return CropPlan(size, plan_box(box, size, spec, context_factor, minimum=minimum), (side, side))


def plan_box(
    box: Box,
    size: Size,
    spec: BackboneSpec,
    context_factor: float = 1.5,
    *,
    minimum: int | None = None,
) -> Box:
    """The square of `plan_crop` around a box in an image of `size` (H, W); it may reach outside.

    Raises MaskError for a box that is long and narrow and huge.
    """
    height, width = size
    native = spec.resolution
    longest = max(box.width, box.height)
    side = max(round(longest * context_factor), native // 4 if minimum is None else minimum)
    side = max(min(side, max(height, width)), longest)
    if native / SNAP <= side <= native * SNAP and longest <= native:
        side = native
    if side * side > max(_MOST_PIXELS, MOST_OUTSIDE * height * width):
        raise MaskError(
            f"the mask spans {box.width}x{box.height} pixels of a picture of {width}x{height}, and "
            f"the square around it {side}x{side}; mark less of it, or cut the picture"
        )
    return square_around(box.center, side, size)
