"""Geometry of masks: distances to boxes, outlines and masks, and the soft mask of a part.

A soft mask is 0.5 at the outline of what it shows and fades to either side: the threshold at which
ComfyUI, training and composing round a mask. Distances are in pixels, below 0 inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .attributes import NECK_LENGTH, NECK_WIDTH
from .errors import MaskError
from .types import Box, FaceAttributes, Outline, Part, Size

UNSEEN = 1 / 64
"""Below this value a mask blends in less than one level of 255: it is not drawn."""

EXPONENT = 2.5
"""Superellipse of a head: 2 is an ellipse, infinity the box."""

_CORNERS = 48
"""Of the polygon that stands for the rounded shape in a box."""

_POLYGON_SIDE = 384
"""Distances to a polygon are measured at no more than this many pixels: they are exact at each, and
smooth in between."""

_LEAST_BAND = 0.5
"""Half a pixel: an edge without feather is antialiased."""


def part_mask(part: Part, size: Size, *, grow: float = 0.0, feather: float = 0.0) -> Tensor:
    """Soft mask (1, 1, H, W) of a part in an image of `size` (H, W), values in [0, 1].

    The user's own mask if there is one, else the part's outlines, else a rounded shape in its box.
    `grow` and `feather` are shares of the longer side of the part: the outline is moved out by
    `grow`, and the mask is 0.5 there and fades over `feather` to either side. The fade is narrowed
    where a part is thinner than it, so that its middle is 1. A user's own mask is nowhere made
    smaller. All zero where the part is empty or outside the image. Raises MaskError if the own
    mask is of another size than the image.
    """
    own, outlines = part.mask, usable(part.outlines)
    if own is not None:
        if tuple(own.shape) != (1, 1, *size):
            raise MaskError(
                f"the mask of {part.attribute!r} has the shape {tuple(own.shape)} and its picture "
                f"{tuple(size)} (H, W); resize the mask to the picture"
            )
        own = own.detach().to("cpu", torch.float32)
        if grow <= 0 and feather <= 0:
            return own
    box = part.box if own is None else mask_box(own)
    if box is None or box.area == 0:
        return torch.zeros(1, 1, *size)
    unit = max(box.width, box.height)
    band = max(feather * unit, _LEAST_BAND)
    limit = abs(grow) * unit + 2 * band + 1
    if own is not None:
        outside = mask_distance(own, limit)
    else:
        outside = outline_distance(outlines or (rounded_outline(box),), size, limit)
    outside = outside - grow * unit
    band = max(min(band, -float(outside.min())), _LEAST_BAND)
    mask = (0.5 - outside / (2 * band)).clamp(0, 1)
    return mask if own is None else torch.maximum(mask, own)


def head_distance(
    attributes: FaceAttributes,
    grow: float,
    *,
    neck: float = NECK_LENGTH,
    hair: bool = True,
    room: float = 0.0,
    limit: float = 1.0,
) -> Tensor:
    """Distance (1, 1, H, W), about, to the outline of a head in its image, in pixels, < 0 inside.

    A rounded shape in the face box, or the user's own mask of the face, grown by `grow` pixels,
    together with the neck down to `neck` face heights below, and, if it was found and `hair` asks
    for it, the hair, grown by half as much. `room` adds a rounded shape with that many face widths
    to each side of the face, for hair longer or fuller than this. Beside own masks distances are
    right up to `limit` pixels beyond the outline.
    """
    face, size, own = attributes.face, attributes.size, attributes.part("face")
    if own is None or own.mask is None:
        outside = rounded_distance(face, size, grow)
    else:
        outside = mask_distance(own.mask, abs(grow) + limit) - grow
    (cx, cy), bottom = face.center, round(face.y1 + neck * face.height)
    if neck > 0:
        # A neck left of the old skin betrays the new face, and misleads the model about its tone.
        side = NECK_WIDTH * face.width / 2
        below = Box(round(cx - side), round(cy), round(cx + side), bottom)
        outside = torch.minimum(outside, rounded_distance(below, size))
    found = attributes.part("hair") if hair else None
    if found is not None:
        # Hair ends in the image's own soft edge; half the growth keeps the background.
        if found.mask is None:
            beyond = rounded_distance(found.box, size, grow / 2)
        else:
            beyond = mask_distance(found.mask, abs(grow) / 2 + limit) - grow / 2
        outside = torch.minimum(outside, beyond)
    if room > 0:
        side = (0.5 + room) * face.width
        around = Box(
            round(cx - side), round(face.y0 - room * face.height), round(cx + side), bottom
        )
        outside = torch.minimum(outside, rounded_distance(around, size))
    return outside


def usable(outlines: Sequence[Outline]) -> tuple[Outline, ...]:
    """Those that enclose something: at least three corners, and numbers all of them."""
    return tuple(
        outline
        for outline in outlines
        if len(outline) >= 3 and all(math.isfinite(v) for corner in outline for v in corner)
    )


def without_unseen(mask: Tensor) -> Tensor:
    """The mask with 0 for black that is not quite black, as paint programs leave it."""
    return torch.where(mask < UNSEEN, 0, mask)


def mask_box(mask: Tensor) -> Box | None:
    """Smallest box around mask (1, 1, H, W) > 0, in its own frame; None if nothing is."""
    columns = (mask[0, 0].amax(dim=0) > 0).nonzero()
    rows = (mask[0, 0].amax(dim=1) > 0).nonzero()
    if not len(columns):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def rounded_distance(box: Box, size: Size, grow: float = 0.0) -> Tensor:
    """Distance (1, 1, H, W), about, to the rounded shape in `box` grown by `grow` pixels.

    Along the longer side of a long box it is too small; `outline_distance` is exact there.
    """
    height, width = size
    cx, cy = box.center
    a, b = max(box.width / 2 + grow, 0.5), max(box.height / 2 + grow, 0.5)
    x = (torch.arange(width, dtype=torch.float32) + 0.5 - cx).abs() / a
    y = (torch.arange(height, dtype=torch.float32) + 0.5 - cy).abs() / b
    radius = (x.pow(EXPONENT).view(1, 1, 1, -1) + y.pow(EXPONENT).view(1, 1, -1, 1)).pow(
        1 / EXPONENT
    )
    return (radius - 1) * min(a, b)


def rounded_outline(box: Box) -> Outline:
    """The rounded shape in a box as a polygon."""
    (cx, cy), power = box.center, 2 / EXPONENT
    corners = []
    for i in range(_CORNERS):
        cosine = math.cos(2 * math.pi * i / _CORNERS)
        sine = math.sin(2 * math.pi * i / _CORNERS)
        x = math.copysign(abs(cosine) ** power, cosine) * box.width / 2
        y = math.copysign(abs(sine) ** power, sine) * box.height / 2
        corners.append((cx + x, cy + y))
    return tuple(corners)


def outline_distance(outlines: Sequence[Outline], size: Size, limit: float) -> Tensor:
    """Distance (1, 1, H, W) to the nearest of the closed `outlines`, within +- `limit` pixels.

    Measured at pixel centres in an image of `size` (H, W); what is inside of one is inside.
    """
    distance = torch.full((1, 1, *size), float(limit))
    corners = [corner for outline in outlines for corner in outline]
    if not corners:
        return distance
    xs, ys = ([corner[axis] for corner in corners] for axis in (0, 1))
    box = Box(math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys)))
    view, left, top = _around(box, math.ceil(limit) + 1, distance)
    height, width = view.shape[2:]
    if view.numel() == 0:
        return distance
    scale = min(_POLYGON_SIDE / max(height, width), 1.0)
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    x = left + (torch.arange(columns).view(1, -1) + 0.5) * (width / columns)
    y = top + (torch.arange(rows).view(-1, 1) + 0.5) * (height / rows)
    near = torch.stack([_polygon_distance(outline, x, y) for outline in outlines]).amin(dim=0)
    near = near[None, None]
    if scale < 1:
        near = F.interpolate(near, (height, width), mode="bilinear", align_corners=False)
    view.copy_(near.clamp(-limit, limit))
    return distance


def _polygon_distance(outline: Outline, x: Tensor, y: Tensor) -> Tensor:
    """Signed distance of the grid of columns `x (1, W)` and rows `y (H, 1)` to a polygon."""
    squared = torch.full((y.shape[0], x.shape[1]), math.inf)
    inside = torch.zeros_like(squared, dtype=torch.bool)
    for (x0, y0), (x1, y1) in zip(outline, (*outline[1:], outline[0]), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = ((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-12)
        along.clamp_(0, 1)
        squared = torch.minimum(squared, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        if dy:
            # A ray to the left crosses the edge an odd number of times from inside.
            crossed = ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (dx / dy))
            inside ^= crossed
    distance = squared.sqrt()
    return torch.where(inside, -distance, distance)


def mask_distance(mask: Tensor, limit: float) -> Tensor:
    """Distance (1, 1, H, W) to the edge (0.5) of a mask (1, 1, H, W), within +- `limit` pixels."""
    inside = mask > 0.5
    distance = torch.full_like(mask, limit, dtype=torch.float32)
    box = mask_box(inside)
    if box is None:
        return distance
    margin = math.ceil(limit) + 1
    near = window(box, margin, inside)
    signed = torch.where(near, 0.5 - distance_inside(near), distance_inside(~near) - 0.5)
    window(box, margin, distance).copy_(signed.clamp(-limit, limit))
    return distance


def distance_inside(inside: Tensor) -> Tensor:
    """Euclidean distance of each pixel to the nearest one that is not inside, between centres.

    inside (1, 1, H, W) bool; float32 of that shape, 0 outside. Nothing beyond the tensor counts as
    outside: where all is inside, the distance is infinite.
    """
    from scipy.ndimage import distance_transform_edt

    if inside.all():
        return torch.full_like(inside, math.inf, dtype=torch.float32)
    distance = torch.from_numpy(distance_transform_edt(inside[0, 0].cpu().numpy()))
    return distance[None, None].to(inside.device, torch.float32)


def window(box: Box, margin: int, tensor: Tensor) -> Tensor:
    """View of (1, 1, H, W) on the box and `margin` pixels around it, as far as the image goes."""
    return _around(box, margin, tensor)[0]


def _around(box: Box, margin: int, tensor: Tensor) -> tuple[Tensor, int, int]:
    """That view, and where its left and upper sides are."""
    wide = Box(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
    wide = wide.clip((tensor.shape[2], tensor.shape[3]))
    return tensor[:, :, wide.y0 : wide.y1, wide.x0 : wide.x1], wide.x0, wide.y0
