"""What can be measured in one face: its size, sharpness, light and direction.

All but the size is measured in the upright crop of the face, so a turned head counts like a level
one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..attributes import Attribute
from ..detection.base import FACE
from ..detection.pose import roll_of, yaw_of
from ..io.images import luma_of
from ..types import FaceAttributes, Part
from .upright import upright_crop
from .values import Measures

SHOWN = 0.4
"""Share of a crop's side over which training sees a face: hair and surroundings take the rest."""

_LIGHT_SIDE = 64
_TINT = 0.04
"""How far apart the channels of hardly a pixel lie without colours, in those of the brightest."""
_WHITE = 0.98

# How much a part must stand out, as the deviation of its luma by its mean. In photographs eyes have
# 0.24 and more, mouths 0.19, noses 0.09; in synthetic faces 0.26, 0.19 and 0.035.
_BLANK = {"eyes": 0.10, "mouth": 0.10, "nose": 0.02}


def measure(
    image: Tensor, faces: Sequence[FaceAttributes], table: Sequence[Attribute], resolution: int
) -> Measures:
    """The first of `faces` in `image` `(1, 3, H, W)`, as a model of that resolution will see it.

    `missing` and `estimated` are of the attributes in `table`. A face of score 0 stands for a whole
    image and is none.
    """
    seen = [face for face in faces if is_face(face)]
    if not seen:
        return Measures()
    face = seen[0]
    side = max(face.face.width, face.face.height)
    luma = luma_of(upright_crop(image, face, _LIGHT_SIDE, scale=0.7))
    low, high = torch.quantile(luma.flatten(), luma.new_tensor([0.05, 0.95])).tolist()
    asked = [one.name for one in table if one.name != FACE]
    parts = {name: face.part(name) for name in asked}
    return Measures(
        faces=len(seen) + face.others,
        face_px=side,
        blur=blur_of(image, face, resolution),
        brightness=float(luma.mean()),
        bright=high,
        clipped=float((luma >= _WHITE).float().mean()),
        contrast=high - low,
        yaw=yaw_of(face),
        roll=roll_of(face),
        missing=tuple(
            name for name, part in parts.items() if part is None or _blank(image, face, part)
        ),
        estimated=tuple(name for name, part in parts.items() if part and part.estimated),
        colourless=colourless(image),
    )


def is_face(face: FaceAttributes) -> bool:
    """Whether a face was seen, and lies in its image."""
    return face.score > 0 and face.face.clip(face.size).area > 0


def colourless(image: Tensor) -> bool:
    """Whether an image (1, 3, H, W) shows no colours, but for what JPEG makes of grey."""
    apart = image.amax(dim=1) - image.amin(dim=1)
    return bool((apart > _TINT * image.amax()).float().mean() < 0.01)


def blur_of(image: Tensor, face: FaceAttributes, resolution: int) -> float:
    """How blurred the face is, 0 to 1, at the size at which it will be learned.

    After Crété et al. 2007: how little of the differences between neighbours a further blur takes
    away, along the worse of both axes, so motion counts. A face that is smaller in the photo is
    measured as it is: being small is another fault.
    """
    side = round(min(SHOWN * resolution, max(face.face.width, face.face.height)))
    luma = luma_of(upright_crop(image, face, max(side, 8), scale=1.0))
    # A few pixels, and some share of the face: so painted and photographed faces measure alike.
    reach = round(2 + 0.015 * side)
    values = []
    for axis in (2, 3):
        window = (2 * reach + 1, 1) if axis == 2 else (1, 2 * reach + 1)
        pad = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        again = F.avg_pool2d(F.pad(luma, pad, mode="replicate"), window, 1)
        before, after = luma.diff(dim=axis).abs(), again.diff(dim=axis).abs()
        total = float(before.sum())
        lost = float((before - after).clamp(min=0).sum())
        # Nothing at all to see is as blurred as can be.
        values.append(1 - lost / total if total > 1e-3 else 1.0)
    return max(values)


def _blank(image: Tensor, face: FaceAttributes, part: Part) -> bool:
    """Whether nothing is to be seen where the part was found: landmarks are always somewhere.

    Only flat coverings are caught; a hand, or a cloth with a pattern, is not.
    """
    if part.attribute not in _BLANK or part.estimated or part.box.area == 0:
        return False
    if part.mask is not None:
        # The user has seen it.
        return False
    where = FaceAttributes(face.size, part.box, part.score, roll=roll_of(face))
    luma = luma_of(upright_crop(image, where, 24, scale=1.0))[0, 0]
    # Parts are wider than high: the middle third of the square.
    middle = luma[8:16]
    return float(middle.std()) < _BLANK[part.attribute] * max(float(middle.mean()), 0.2)
