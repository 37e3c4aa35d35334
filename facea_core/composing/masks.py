"""Masks as composing uses them: what is repainted, and how the patch fades into the image.

One soft mask says both. Its value 0.5 is the edge of the masked region (the threshold by which
ComfyUI and training binarise a mask), and the patch is blended in with twice its value: fully
inside that region, fading to nothing outside it. So the blend lies where the model saw the image
and painted it again, never where new and old content differ, and a pixel whose soft mask is 0 is
never touched. A mask with hard edges gets such a fade outwards: its masked region is what was
drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import EDGE
from ..masks import distance_inside, head_distance, mask_box, window, without_unseen
from ..types import FaceAttributes, Size
from .config import ComposeConfig

_FAINT = 1 / 16
"""A mask that is stronger than this anywhere but about its masked region was made to fade."""

SECOND_PASS_WIDER = 0.02
"""How much wider a second pass paints, in sizes of the mask: over the seam of the first."""


def blend_weight(mask: Tensor) -> Tensor:
    """Share of the patch in the result, in [0, 1], by soft mask (B, 1, H, W); 0 where that is 0."""
    ramp = (2 * mask).clamp(0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def soften(mask: Tensor, feather: float) -> Tensor:
    """Fades mask (1, 1, H, W) outwards over `feather` times the longer side of its masked region.

    That region, where the mask is at least 0.5, stays as it is, however thin: what was drawn white
    is repainted whole. Around it the mask falls from 0.5 to 0. A mask that fades by itself,
    anywhere over more than two pixels, keeps its fade, and any mask its edge at feather 0. What is
    too faint to be seen, and the specks that a JPEG leaves about hard edges, are no part of a mask.
    """
    mask = without_unseen(mask)
    masked = mask >= EDGE
    box = mask_box(masked)
    if box is None:
        return mask
    near = F.max_pool2d(masked.float(), 5, stride=1, padding=2) > 0
    if ((mask > _FAINT) & ~near).any():
        return mask
    mask = torch.where(near, mask, 0)
    band = feather * max(box.width, box.height)
    if band < 1:
        return mask
    margin = math.ceil(band) + 1
    view, kept = window(box, margin, mask), window(box, margin, masked)
    ramp = 0.5 - (distance_inside(~kept) - 0.5) / (2 * band)
    soft = mask.clone()
    window(box, margin, soft).copy_(torch.where(kept, view, torch.maximum(view, ramp.clamp(min=0))))
    return without_unseen(soft)


def widened(mask: Tensor, share: float) -> Tensor:
    """Mask (1, 1, H, W) moved outwards by `share` of the longer side of its masked region, at least
    one pixel; its fade moves along."""
    box = mask_box(mask >= EDGE)
    if box is None:
        return mask
    reach = max(1, round(share * max(box.width, box.height)))
    along = F.max_pool2d(mask, (1, 2 * reach + 1), 1, (0, reach))
    return F.max_pool2d(along, (2 * reach + 1, 1), 1, (reach, 0))


def face_mask(attributes: FaceAttributes, config: ComposeConfig | None = None) -> Tensor:
    """Soft mask (1, 1, H, W) of the head to repaint, in the frame of the image searched.

    0.5 at the outline of `masks.head_distance`, grown by `config.grow`, and fading over
    `config.feather` to either side: the blend lies outside the face. All zero if the face lies
    outside the image.
    """
    config = config or ComposeConfig()
    unit = max(attributes.face.width, attributes.face.height)
    band = max(config.feather * unit, 0.5)
    outside = head_distance(
        attributes, config.grow * unit, neck=config.neck, hair=config.hair, room=config.hair_room,
        limit=band,
    )  # fmt: skip
    return (0.5 - outside / (2 * band)).clamp(0, 1)


def faces_mask(faces: Sequence[FaceAttributes], size: Size) -> Tensor:
    """What composing repaints of an image of `size` (H, W) with these faces, (1, 1, H, W).

    Nothing for a face of score 0, which stands for an image without one.
    """
    mask = torch.zeros(1, 1, *size)
    for face in faces:
        if face.score > 0:
            mask = torch.maximum(mask, face_mask(face))
    return mask
