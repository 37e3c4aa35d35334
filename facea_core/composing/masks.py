"""Masks as composing uses them: what is repainted, and how the patch fades into the picture.

One soft mask says both. Its value 0.5 is the edge of the hole (the rule that ComfyUI and training
use to binarise a mask), and the patch is blended in with twice its value: fully inside the hole,
fading to nothing outside it. So the blend lies where the model saw the picture and painted it
again, never where new and old content differ, and a pixel whose mask is 0 is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..images import resize
from ..masks import distance_inside, head_distance, mask_box, shrink, window
from ..types import FaceAttributes, Size
from .config import ComposeConfig


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
    view = window(box, 1, mask)
    inside, scale = shrink((view > 0).float())
    band = feather * max(box.width, box.height) * scale
    depth = distance_inside(inside, 2 * band + 1) - 0.5
    # Never so wide that nothing is left to repaint.
    band = min(band, float(depth.max()) / 2)
    if band <= 0:
        return mask
    ramp = resize((depth / (2 * band)).clamp(0, 1), (view.shape[2], view.shape[3]), mask=True)
    soft = torch.zeros_like(mask)
    window(box, 1, soft).copy_(torch.minimum(view, ramp))
    return soft


def face_mask(attributes: FaceAttributes, config: ComposeConfig | None = None) -> Tensor:
    """Soft mask (1, 1, H, W) of the head to repaint, in the frame of the picture searched.

    0.5 at the outline of `masks.head_distance`, grown by `config.grow`, and fading over
    `config.feather` to either side: the blend lies outside the face. All zero if the face lies
    outside the picture.
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
    """What composing repaints of a picture of `size` (H, W) with these faces, (1, 1, H, W).

    Nothing for a face of score 0, which stands for a picture without one.
    """
    mask = torch.zeros(1, 1, *size)
    for face in faces:
        if face.score > 0:
            mask = torch.maximum(mask, face_mask(face))
    return mask
