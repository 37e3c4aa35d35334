"""Square crops in which the head is upright, and the boxes that go with them.

One resampling only: every pixel of the crop is the mean of points of the photo, as many as keep the
fine detail from turning into moiré. Outside the photo its border is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..detection.pose import roll_of
from ..errors import ConfigError, ImageError
from ..evaluation.crops import HEAD_LIFT, HEAD_SCALE
from ..io.images import resize
from ..types import Box, FaceAttributes, Outline, Part, Size

ROOM = 2.2
"""Side of a crop that stands for its photo, in longer sides of the face: hair and shoulders."""

LIFT = HEAD_LIFT
"""How far the crop's centre lies above the face's, in face heights: hair is taller than a neck."""

_MOST_SIDE = 4096

_MANY_POINTS = 4096
"""Points along the side of a crop that are never too many."""

_MOST_POINTS = 16
"""Beyond that, most points for each pixel of the photo; a head in a usual photo takes fewer."""


@dataclass(frozen=True)
class Turn:
    """A square window on a photo: `span` photo pixels wide about (`x`, `y`), turned by `roll`
    degrees clockwise, seen as an image of `side` pixels."""

    x: float
    y: float
    span: float
    roll: float
    side: int

    def forward(self, x: float, y: float) -> tuple[float, float]:
        """A point of the photo in the crop."""
        c, s = self._direction()
        scale, dx, dy = self.side / self.span, x - self.x, y - self.y
        return (c * dx + s * dy) * scale + self.side / 2, (c * dy - s * dx) * scale + self.side / 2

    def _direction(self) -> tuple[float, float]:
        return math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))

    def sample(self, image: Tensor) -> Tensor:
        """`(1, C, side, side)` of `(1, C, H, W)`."""
        height, width = image.shape[-2:]
        (c, s), dense = self._direction(), max(math.ceil(self.span / self.side), 1)
        points = self.side * dense
        if points > _MANY_POINTS and points * points > _MOST_POINTS * height * width:
            # The square of a long and narrow image: a smaller copy of it is looked at.
            fewer = max(_MANY_POINTS // self.side, 1)
            smaller = (max(height * fewer // dense, 1), max(width * fewer // dense, 1))
            image, dense = resize(image, smaller), fewer
        count = self.side * dense
        line = (torch.arange(count, device=image.device) + 0.5) * (self.span / count)
        line = line - self.span / 2
        x = self.x + c * line[None, :] - s * line[:, None]
        y = self.y + s * line[None, :] + c * line[:, None]
        grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], dim=-1)[None]
        # Bicubic only where points lie closer than the pixels; means of many need no more.
        mode = "bicubic" if dense == 1 else "bilinear"
        seen = F.grid_sample(
            image, grid.to(image.dtype), mode, padding_mode="border", align_corners=False
        )
        return F.avg_pool2d(seen, dense).clamp(0, 1) if dense > 1 else seen.clamp(0, 1)


def upright_crop(
    image: Tensor,
    face: FaceAttributes,
    side: int,
    *,
    scale: float = HEAD_SCALE,
    upright: bool = True,
) -> Tensor:
    """The head of `face` in `image` `(1, 3, H, W)`, level and square: `(1, 3, side, side)`.

    The square is `scale` longer face sides wide and turned by the face's roll (not if `upright` is
    off). Raises ImageError for an empty face box, ConfigError for a side that is no size.
    """
    return _turn(image, face, side, scale, upright).sample(image)


def upright_photo(
    image: Tensor, face: FaceAttributes, side: int, *, scale: float = ROOM, upright: bool = True
) -> tuple[Tensor, FaceAttributes]:
    """That crop with its face and parts in the crop's own pixels, to be used as a photo."""
    turn = _turn(image, face, side, scale, upright)
    return turn.sample(image), _through(turn, face)


def crop_photos(
    images: Sequence[Tensor], found: Sequence[Sequence[FaceAttributes]], side: int
) -> tuple[Tensor, tuple[tuple[FaceAttributes, ...], ...]]:
    """`upright_photo` of the first face of each photo, and its middle where none was seen.

    The crops `(N, 3, side, side)` of N photos, and the faces in their pixels. A face of score 0,
    which stands for a whole photo, stands for the whole crop.
    """
    # Channels last, as ComfyUI has them: there no copy is made.
    crops, faces = torch.empty(len(images), side, side, 3).movedim(-1, 1), []
    for crop, image, some in zip(crops.split(1), images, found, strict=True):
        if some and some[0].score > 0 and some[0].face.area:
            seen, face = upright_photo(image, some[0], side)
            faces.append((face,))
        else:
            height, width = image.shape[-2:]
            turn = Turn(width / 2, height / 2, min(height, width), 0.0, side)
            seen = turn.sample(image)
            faces.append(tuple(_through(turn, one) for one in some[:1]))
        crop.copy_(seen)
    return crops, tuple(faces)


def _through(turn: Turn, face: FaceAttributes) -> FaceAttributes:
    parts = tuple(_part(part, turn) for part in face.parts)
    return replace(
        face,
        size=(turn.side, turn.side),
        face=_box(face.face, turn),
        parts=tuple(part for part in parts if part.box.area),
        roll=None if face.roll is None else face.roll - turn.roll,
    )


def _turn(image: Tensor, face: FaceAttributes, side: int, scale: float, upright: bool) -> Turn:
    if image.ndim != 4 or image.shape[0] != 1 or 0 in image.shape:
        raise ImageError(f"one picture (1, 3, H, W) is needed, not shape {tuple(image.shape)}")
    if face.face.area == 0:
        raise ImageError(f"the face box {tuple(face.face)} is empty; there is nothing to cut out")
    if not 1 <= side <= _MOST_SIDE:
        raise ConfigError(f"the side of a crop is {side}; use 1 to {_MOST_SIDE} pixels")
    roll = roll_of(face) if upright else 0.0
    angle, lift = math.radians(roll), LIFT * face.face.height
    cx, cy = face.face.center
    span = scale * max(face.face.width, face.face.height)
    return Turn(cx + lift * math.sin(angle), cy - lift * math.cos(angle), span, roll, side)


def _part(part: Part, turn: Turn) -> Part:
    outlines = tuple(_outline(outline, turn) for outline in part.outlines)
    mask = None if part.mask is None else turn.sample(part.mask)
    box = _around(outlines, turn) if outlines and mask is None else _box(part.box, turn)
    return replace(part, box=box, mask=mask, outlines=outlines)


def _outline(outline: Outline, turn: Turn) -> Outline:
    return tuple(turn.forward(x, y) for x, y in outline)


def _around(outlines: tuple[Outline, ...], turn: Turn) -> Box:
    xs = [x for outline in outlines for x, _ in outline]
    ys = [y for outline in outlines for _, y in outline]
    return _whole(min(xs), min(ys), max(xs), max(ys), (turn.side, turn.side))


def _box(box: Box, turn: Turn) -> Box:
    """The box of the thing that, turned, filled `box`: of an ellipse, as most parts are."""
    x, y = turn.forward(*box.center)
    c, s = math.cos(math.radians(turn.roll)) ** 2, math.sin(math.radians(turn.roll)) ** 2
    scale, (w, h) = turn.side / turn.span, (float(box.width), float(box.height))
    if s < 0.4:
        # w^2 = a^2 c + b^2 s and h^2 = a^2 s + b^2 c, solved; near 45 degrees that says nothing.
        a = max((w * w * c - h * h * s) / (c - s), 0.25 * w * w)
        b = max((h * h * c - w * w * s) / (c - s), 0.25 * h * h)
        w, h = math.sqrt(a), math.sqrt(b)
    w, h = w * scale / 2, h * scale / 2
    return _whole(x - w, y - h, x + w, y + h, (turn.side, turn.side))


def _whole(x0: float, y0: float, x1: float, y1: float, size: Size) -> Box:
    return Box(round(x0), round(y0), max(round(x1), round(x0) + 1),
               max(round(y1), round(y0) + 1)).clip(size)  # fmt: skip
