"""Masks as composing uses them: what is repainted, and how the patch fades into the picture.

One soft mask says both. Its value 0.5 is the edge of the hole (the rule that ComfyUI and training
use to binarise a mask), and the patch is blended in with twice its value: fully inside the hole,
fading to nothing outside it. So the blend lies where the model saw the picture and painted it
again, never where new and old content differ, and a pixel whose mask is 0 is never touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..images import resize
from ..types import Box, FaceAttributes, Size
from .config import ComposeConfig
from .plan import mask_box

WORKING_SIDE = 384
"""Distances are measured at no more than this many pixels: a fade needs no finer grid."""

NECK_WIDTH = 0.8
"""Of the repainted neck, in face widths."""

EXPONENT = 2.5
"""Superellipse of a head: 2 is an ellipse, infinity the box."""


def blend_weight(mask: Tensor) -> Tensor:
    """Share of the patch in the result, in [0, 1], by soft mask (B, 1, H, W); 0 where that is 0."""
    ramp = (2 * mask).clamp(0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def soften(mask: Tensor, feather: float) -> Tensor:
    """Fades mask (1, 1, H, W) inwards over `feather` times the longer side of what it covers.

    The result is nowhere larger than the mask. The border of the picture is no edge: a face that is
    cut by it does not fade there. The fade is narrowed where the whole mask is thinner than it. A
    mask that is already softer than that, and any mask at feather 0, comes back as it is.
    """
    box = mask_box(mask)
    if box is None or feather <= 0:
        return mask
    window = _window(box, 1, mask)
    inside, scale = _shrink((window > 0).float())
    band = feather * max(box.width, box.height) * scale
    depth = distance_inside(inside, 2 * band + 1) - 0.5
    # Never so wide that nothing is left to repaint.
    band = min(band, float(depth.max()) / 2)
    if band <= 0:
        return mask
    ramp = resize((depth / (2 * band)).clamp(0, 1), (window.shape[2], window.shape[3]), mask=True)
    soft = torch.zeros_like(mask)
    _window(box, 1, soft).copy_(torch.minimum(window, ramp))
    return soft


def face_mask(attributes: FaceAttributes, config: ComposeConfig | None = None) -> Tensor:
    """Soft mask (1, 1, H, W) of the head to repaint, in the frame of the picture searched.

    A rounded superellipse around the face box, grown by `config.grow`, together with the neck down
    to `config.neck` and, if it was found and `config.hair` asks for it, the hair. 0.5 at that
    outline, fading over `config.feather` to either side: the blend lies outside the face. All zero
    if the face lies outside the picture.
    """
    config = config or ComposeConfig()
    face = attributes.face
    unit = max(face.width, face.height)
    grow, band = config.grow * unit, max(config.feather * unit, 0.5)
    outside = _superellipse(face, attributes.size, grow)
    if config.neck > 0:
        # A neck left of the old skin betrays the new face, and misleads the model about its tone.
        side, (cx, cy) = NECK_WIDTH * face.width / 2, face.center
        bottom = face.y1 + config.neck * face.height
        neck = Box(round(cx - side), round(cy), round(cx + side), round(bottom))
        outside = torch.minimum(outside, _superellipse(neck, attributes.size, 0))
    hair = attributes.part("hair") if config.hair else None
    if hair is not None:
        # Hair ends in the picture's own soft edge; half the growth keeps the background.
        if hair.mask is None:
            beyond = _superellipse(hair.box, attributes.size, grow / 2)
        else:
            beyond = _signed_distance(hair.mask, grow / 2 + band) - grow / 2
        outside = torch.minimum(outside, beyond)
    return (0.5 - outside / (2 * band)).clamp(0, 1)


def faces_mask(faces: Sequence[FaceAttributes], size: Size) -> Tensor:
    """What composing repaints of a picture of `size` (H, W) with these faces, (1, 1, H, W)."""
    mask = torch.zeros(1, 1, *size)
    for face in faces:
        mask = torch.maximum(mask, face_mask(face))
    return mask


def _superellipse(box: Box, size: Size, grow: float) -> Tensor:
    """Signed distance in pixels (1, 1, H, W), about, to the rounded box grown by `grow`."""
    height, width = size
    cx, cy = box.center
    a, b = max(box.width / 2 + grow, 0.5), max(box.height / 2 + grow, 0.5)
    x = (torch.arange(width, dtype=torch.float32) + 0.5 - cx).abs() / a
    y = (torch.arange(height, dtype=torch.float32) + 0.5 - cy).abs() / b
    radius = (x.pow(EXPONENT).view(1, 1, 1, -1) + y.pow(EXPONENT).view(1, 1, -1, 1)).pow(
        1 / EXPONENT
    )
    return (radius - 1) * min(a, b)


def _signed_distance(mask: Tensor, limit: float) -> Tensor:
    """Distance in pixels to the edge (0.5) of mask (1, 1, H, W), below 0 inside, within `limit`."""
    inside = (mask.float() > 0.5).float()
    distance = torch.full_like(inside, limit)
    box = mask_box(inside)
    if box is None:
        return distance
    margin = math.ceil(limit) + 1
    small, scale = _shrink(_window(box, margin, inside))
    reach = limit * scale + 1
    near = torch.where(
        small > 0, 0.5 - distance_inside(small, reach), distance_inside(1 - small, reach) - 0.5
    )
    window = _window(box, margin, distance)
    if scale < 1:
        near = F.interpolate(near, window.shape[2:], mode="bilinear", align_corners=False)
    window.copy_((near / scale).clamp(-limit, limit))
    return distance


def distance_inside(inside: Tensor, limit: float) -> Tensor:
    """Euclidean distance of each pixel to the nearest one that is 0, capped at `limit` pixels.

    inside (1, 1, H, W) in {0, 1}; nothing outside the tensor counts as 0. Exact: columns first,
    then rows over a window of `limit` (after Felzenszwalb and Huttenlocher 2012).
    """
    reach = math.ceil(limit)
    height, width = inside.shape[2:]
    far = float(height + reach + 1)
    row = torch.arange(height, dtype=torch.float32, device=inside.device).view(1, 1, -1, 1)
    last = torch.where(inside > 0, -far, row).cummax(dim=2).values
    following = torch.where(inside > 0, height + far, row).flip(2).cummin(dim=2).values.flip(2)
    squared = torch.minimum(row - last, following - row).clamp(max=far).square()
    padded = F.pad(squared, (reach, reach), value=far * far)
    for dx in range(-reach, reach + 1):
        shifted = padded[..., reach + dx : reach + dx + width]
        squared = torch.minimum(squared, shifted + dx * dx)
    return squared.sqrt().clamp(max=limit)


def _window(box: Box, margin: int, tensor: Tensor) -> Tensor:
    """View of (1, 1, H, W) on the box and `margin` pixels around it, as far as the picture goes."""
    wide = Box(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
    wide = wide.clip((tensor.shape[2], tensor.shape[3]))
    return tensor[:, :, wide.y0 : wide.y1, wide.x0 : wide.x1]


def _shrink(inside: Tensor) -> tuple[Tensor, float]:
    """The mask in {0, 1} with its longer side at most WORKING_SIDE, and by what it was scaled."""
    height, width = inside.shape[2:]
    scale = min(WORKING_SIDE / max(height, width), 1.0)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    return (resize(inside, size, mask=True) > 0.5).float(), scale
