"""Crop out, match colours, put back: the seam between what is painted and what stays."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import crop, resize
from ..types import CropPlan
from .masks import blend_weight

COLOUR_GRID = 16
"""Colour differences are measured on a grid of this many cells: tone and light, no detail."""


def crop_image(image: Tensor, plan: CropPlan) -> Tensor:
    """What the model sees of image (1, 3, H, W): (1, 3, *plan.size), border repeated outside."""
    return resize(crop(image, plan.box), plan.size)


def crop_mask(mask: Tensor, plan: CropPlan) -> Tensor:
    """The same square of mask (1, 1, H, W). A mask that reaches the border continues beyond it."""
    return resize(crop(mask, plan.box), plan.size, mask=True)


def crop_alike(whole: Tensor, plan: CropPlan, *, mask: bool = False) -> Tensor:
    """The crop (1, C, *plan.size) of (1, C, h, w), which shows the image of `plan` at any size.

    At the image's own size it is `crop_image`, or `crop_mask` for a mask. Values below 0, by which
    ControlNet's hints mark what is to be inpainted, are not mixed with others.
    """
    piece = piece_alike(whole, plan).float()
    if piece.min() < 0:
        return F.interpolate(piece, plan.size, mode="nearest-exact")
    return resize(piece, plan.size, mask=mask)


def piece_alike(whole: Tensor, plan: CropPlan) -> Tensor:
    """The same before it is resized. Outside the border is repeated, as the image's is, so that it
    still shows what the model sees."""
    height, width = whole.shape[-2:]
    box = plan.box.scale(width / plan.source[1], height / plan.source[0])
    return crop(whole, box) if box.area > 0 else whole


def match_colour(patch: Tensor, original: Tensor, mask: Tensor, strength: float = 1.0) -> Tensor:
    """Shifts the patch's tones so that it meets the original around the masked region.

    patch (B, 3, s, s), original (B or 1, 3, s, s) in [0, 1], soft mask (B or 1, 1, s, s) of the
    same frame. Where the mask is below 0.5 the model painted what it was shown; what differs there
    (drift of the autoencoder, another tone) is measured on a coarse grid, continued smoothly into
    the masked region (a membrane as in Perez et al. 2003, by pull-push, Gortler et al. 1996) and
    added. Without such pixels the patch comes back as it is.
    """
    if strength == 0:
        return patch
    known = (mask < 0.5).float()
    # The rim of the masked region shares latent pixels with it.
    known = -F.max_pool2d(-known, 5, stride=1, padding=2)
    grid = min(COLOUR_GRID, patch.shape[2], patch.shape[3])
    difference = F.adaptive_avg_pool2d((original - patch) * known, grid)
    weight = F.adaptive_avg_pool2d(known, grid)
    shift = F.interpolate(
        filled(difference, weight), patch.shape[2:], mode="bilinear", align_corners=False
    )
    return (patch + strength * shift).clamp(0, 1)


def filled(value: Tensor, weight: Tensor) -> Tensor:
    """Smoothly fills (B, C, n, n) where its weight (B, 1, n, n) in [0, 1] is low.

    `value` is already multiplied by `weight`. What is missing comes from the next coarser level.
    """
    if value.shape[2] == 1:
        return value / weight.clamp(min=1e-6)
    half = (value.shape[2] + 1) // 2
    coarse = filled(F.adaptive_avg_pool2d(value, half), F.adaptive_avg_pool2d(weight, half))
    coarse = F.interpolate(coarse, value.shape[2:], mode="bilinear", align_corners=False)
    return value + (1 - weight) * coarse


def stitch(image: Tensor, patch: Tensor, mask: Tensor, plan: CropPlan) -> Tensor:
    """Image (1, 3, H, W) with the patch (1, 3, *plan.size) blended in where the soft mask says.

    Where mask (1, 1, H, W) is 0 the result equals `image` bit for bit, whatever the patch holds;
    where it is at least 0.5 it is the patch. The patch is brought to the size of `plan.box`; a
    patch that equals the image there leaves it as it is.
    """
    box = plan.box
    inside = box.clip(plan.source)
    rows, columns = slice(inside.y0, inside.y1), slice(inside.x0, inside.x1)
    full = resize(patch.to(image), (box.height, box.width))
    full = full[
        :, :, inside.y0 - box.y0 : inside.y1 - box.y0, inside.x0 - box.x0 : inside.x1 - box.x0
    ]
    weight = blend_weight(mask[:, :, rows, columns])
    below = image[:, :, rows, columns]
    # lerp is exact for equal ends and at weight 1; where() also keeps NaN out at weight 0.
    blended = torch.where(weight > 0, torch.lerp(below, full, weight), below)
    result = image.clone()
    result[:, :, rows, columns] = blended
    return result
