"""The one convention of how a head is cut out of an image before it is compared with others.

The identity encoder is trained on exactly these crops, so geometry and filter are part of its
weights: a change here asks for a new training.
"""

from __future__ import annotations

from torch import Tensor

from ..errors import ImageError
from ..io.images import crop, resize
from ..types import Box

HEAD_SCALE = 1.6
HEAD_LIFT = 0.1


def head_box(face: Box) -> Box:
    """Square around the whole head of a face box, in the same frame; may reach outside.

    The side is 1.6 times the longer side of the face, the centre lies 0.1 of the face's height
    above the face's centre, both rounded to pixels. Raises ImageError for an empty face box.
    """
    if face.width <= 0 or face.height <= 0:
        raise ImageError(
            f"The face box {tuple(face)} is empty: give x0 y0 x1 y1 with x0 < x1 and y0 < y1."
        )
    side = max(round(HEAD_SCALE * max(face.width, face.height)), 1)
    cx, cy = face.center
    x0 = round(cx - side / 2)
    y0 = round(cy - HEAD_LIFT * face.height - side / 2)
    return Box(x0, y0, x0 + side, y0 + side)


def face_crop(image: Tensor, face: Box, side: int = 64) -> Tensor:
    """Cuts `head_box(face)` out of image (1, 3, H, W) in [0, 1]: (1, 3, side, side).

    `face` is in the frame of `image`. Where the square reaches outside the image the border is
    repeated; the resize is bilinear and antialiased. Same device and dtype as the image.
    Raises ImageError for another shape, an empty image or an empty face box.
    """
    if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape:
        raise ImageError(
            f"face_crop needs an image of shape (1, 3, H, W), not {tuple(image.shape)}."
        )
    return resize(crop(image, head_box(face)), (side, side), mask=True)
