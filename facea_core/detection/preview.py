"""An image that shows what was found."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..io.images import check_image, from_pil, to_pil
from ..types import Box, FaceAttributes
from .base import FACE

_FACE_COLOUR = "#ffffff"
_TINT = 0.45
_COLOURS = {
    "eyes": "#4cc9f0",
    "nose": "#ffd166",
    "mouth": "#ef476f",
    "hair": "#06d6a0",
    "eyebrows": "#b388ff",
    "beard": "#ff9f1c",
    "ears": "#90e0ef",
    "glasses": "#c0f000",
}


def draw_faces(
    image: Tensor, attributes: Sequence[FaceAttributes | None], *, names: bool = True
) -> Tensor:
    """`image` `(1, 3, H, W)` with numbered face boxes (from 0) and coloured part boxes drawn on it.

    What is known more exactly than its box is drawn so: outlines as lines, a user's own mask as a
    tint. A single face has the names of its parts with their scores beside it; "?" marks an
    estimated part; without `names` there are only boxes. Small images are enlarged by a whole
    factor to about 512 px so that the writing can be read.
    """
    picture = to_pil(check_image(image))
    zoom = max(1, round(512 / max(picture.size)))
    picture = picture.resize(
        (picture.width * zoom, picture.height * zoom), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(picture)
    unit = max(picture.size) / 512
    font = ImageFont.load_default(size=round(12 * unit))
    pen = max(1, round(1.5 * unit))
    for number, one in enumerate(attributes):
        if one is None:
            continue
        face = one.face.scale(zoom, zoom)
        lines = [(f"{number}: face {one.score:.2f}", _FACE_COLOUR)]
        for part in one.parts:
            if part.attribute == FACE:
                continue
            colour = _COLOURS.get(part.attribute, _FACE_COLOUR)
            lines.append((f"{part.attribute} {part.score:.2f}{'?' * part.estimated}", colour))
            if part.mask is not None:
                _tint(picture, part.mask, colour)
            for outline in part.outlines:
                corners = [(x * zoom, y * zoom) for x, y in (*outline, *outline[:1])]
                draw.line(corners, fill=colour, width=pen)
            _frame(draw, part.box.scale(zoom, zoom), colour, pen)
        _frame(draw, face, _FACE_COLOUR, pen)
        # Names beside several faces would hide their neighbours.
        if names:
            _legend(draw, face, lines if len(attributes) == 1 else lines[:1], font, picture.size)
    return from_pil(picture)


def _tint(picture: Image.Image, mask: Tensor, colour: str) -> None:
    shape = to_pil(mask * _TINT).resize(picture.size, Image.Resampling.BILINEAR)
    picture.paste(Image.new("RGB", picture.size, colour), mask=shape)


def _frame(draw: ImageDraw.ImageDraw, box: Box, colour: str, pen: int) -> None:
    if box.area:
        draw.rectangle((box.x0, box.y0, box.x1 - 1, box.y1 - 1), outline=colour, width=pen)


def _legend(
    draw: ImageDraw.ImageDraw,
    face: Box,
    lines: Sequence[tuple[str, str]],
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    picture_size: tuple[int, int],
) -> None:
    """Lines of text to the right of the face, or to its left where there is more room."""
    boxes = [draw.textbbox((0, 0), text, font=font) for text, _ in lines]
    width, height = max(box[2] for box in boxes) + 4, max(box[3] for box in boxes) + 3
    right = face.x1 + 2 + width <= picture_size[0] or picture_size[0] - face.x1 > face.x0
    x = min(face.x1 + 2, picture_size[0] - width) if right else max(face.x0 - 2 - width, 0)
    y = max(0, min(face.y0, picture_size[1] - height * len(lines)))
    for i, (text, colour) in enumerate(lines):
        top = y + i * height
        draw.rectangle((x, top, x + width, top + height - 1), fill=colour)
        draw.text((x + 2, top + 1), text, fill="black", font=font)
