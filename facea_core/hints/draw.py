"""Hints of a batch of images: each a picture for a ControlNet, and the mask that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import ImageError
from ..io.images import check_image, glance, other_scene
from ..masks import head_distance, outline_distance
from ..types import DetectedFaces, FaceAttributes, OnTick
from .config import KEYPOINTS, HintConfig
from .drawing import dot, spindle, stroke
from .edges import canny
from .shape import LINE_PARTS, FaceShape, blended, shape_of

_COLOURS = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 1.0, 0), (1.0, 0, 1.0))
"""InstantID's for left eye, right eye (as seen), nose, left and right corner of the mouth."""

_NOSE = 2
_DIM = 0.6
"""How bright InstantID's limbs are; their dots are full."""

# Shares of the longer side of the face box. InstantID draws dots of 10 and limbs of 4 pixels to
# either side, OpenPose dots of 3; such faces measure about 400 and 250 pixels.
_DOT, _LIMB = 1 / 40, 1 / 100
_WHITE_DOT = 1 / 85
_LINE = 1 / 32
"""Width of lines: 2 pixels where a crop of 128 holds a face of 64."""

_GROW, _FEATHER = 0.1, 0.08
"""What composing does to a head by itself."""


@dataclass(frozen=True, eq=False)
class Hint:
    """What was drawn for an image: `image` (1, 3, H, W), `mask` (1, 1, H, W) and `shapes`.

    The mask is 0.5 at the edge of what is to be repainted: the heads of the image, as composing
    repaints them, together with the outlines of the person's face that were drawn.
    """

    image: Tensor
    mask: Tensor
    shapes: tuple[FaceShape, ...] = ()
    notes: tuple[str, ...] = ()


def draw_hints(
    images: Sequence[Tensor],
    found: DetectedFaces,
    config: HintConfig | None = None,
    person: FaceShape | None = None,
    wanted: Sequence[int] | None = None,
    on_tick: OnTick | None = None,
) -> Iterator[Hint]:
    """A hint for each image `(1, 3, H, W)`, of all its faces or those numbered `wanted` (from 0).

    With a `person` (`person_shape`) every face gets `config.blend` of that one's shape. An image
    without a face has a black hint, or edges alone, an empty mask and a note. `on_tick` is called
    after every image. Raises ImageError if `found` is not of these images, and PartError where a
    face has no points that the kind draws.
    """
    config = config or HintConfig()
    if len(images) != len(found.faces):
        raise ImageError(
            f"there are {len(images)} pictures, and faces were searched in {len(found.faces)}; "
            "wire the same pictures into both"
        )
    return _drawn(images, found, config, person, wanted, on_tick)


def _drawn(
    images: Sequence[Tensor], found: DetectedFaces, config: HintConfig, person: FaceShape | None,
    wanted: Sequence[int] | None, on_tick: OnTick | None,
) -> Iterator[Hint]:  # fmt: skip
    for number, (image, faces) in enumerate(zip(images, found.faces, strict=True), start=1):
        image = check_image(image)
        # A face of score 0 stands for an image without one.
        seen = [face for face in faces if face.score > 0]
        chosen = seen if wanted is None else [seen[n] for n in wanted if n < len(seen)]
        notes = []
        for face in chosen:
            if tuple(face.size) != tuple(image.shape[-2:]):
                raise ImageError(
                    f"picture {number} is {tuple(image.shape[-2:])} (H, W) and its faces were "
                    f"searched in {tuple(face.size)}; detect faces in this picture"
                )
        if chosen and found.glances and other_scene(glance(image), found.glances[number - 1]):
            notes.append(
                f"picture {number}: its faces were found in another picture, it seems; wire the "
                "same picture into FaceA Attribute Detect and here"
            )
        if not chosen:
            left = "has edges alone" if config.with_edges else "is black"
            which = "" if wanted is None or not seen else " of these numbers"
            notes.append(f"picture {number}: no face{which} was found, so its hint {left}")
        yield _hint(image, chosen, config, person, notes)
        if on_tick:
            on_tick(number, len(images))


def _hint(
    image: Tensor, faces: Sequence[FaceAttributes], config: HintConfig, person: FaceShape | None,
    notes: Sequence[str],
) -> Hint:  # fmt: skip
    shapes = [shape_of(face, image if config.by_points else None) for face in faces]
    more: tuple[str, ...] = ()
    if person is not None and config.blend > 0:
        shapes = [blended(shape, person, config.blend) for shape in shapes]
        more = ("face", "hair") if config.hair else ("face",)
    mask = torch.zeros_like(image[:, :1])
    for face, shape in zip(faces, shapes, strict=True):
        mask = torch.maximum(mask, _mask(face, shape, more))
    drawn = torch.zeros_like(image)
    if config.with_edges:
        edges = canny(image)
        drawn[:] = torch.where(mask > 0, 0, edges) if config.erased else edges
    for shape in shapes:
        if config.by_points:
            draw = draw_keypoints if config.kind == KEYPOINTS else draw_dots
            draw(drawn[0], shape)
        elif config.with_lines:
            draw_lines(drawn[0], shape, hair=config.hair)
    return Hint(drawn, mask, tuple(shapes), tuple(notes))


def draw_keypoints(canvas: Tensor, shape: FaceShape) -> None:
    """InstantID's drawing of five points on canvas (3, H, W): limbs to the nose, then dots."""
    five = shape.five
    if five is None:
        return
    for number, colour in enumerate(_COLOURS):
        if number != _NOSE:
            dim = [_DIM * value for value in colour]
            spindle(canvas, five[number], five[_NOSE], max(_LIMB * shape.side, 0.5), dim)
    for at, colour in zip(five, _COLOURS, strict=True):
        dot(canvas, at, max(_DOT * shape.side, 1.0), colour)


def draw_dots(canvas: Tensor, shape: FaceShape) -> None:
    """OpenPose's drawing of a face on canvas (3, H, W): 70 white dots."""
    for at in () if shape.points is None else shape.points:
        dot(canvas, at, max(_WHITE_DOT * shape.side, 1.0), (1.0, 1.0, 1.0))


def draw_lines(canvas: Tensor, shape: FaceShape, *, hair: bool = False) -> None:
    """White outlines of the face and its parts on canvas (3, H, W)."""
    white = torch.zeros_like(canvas[0])
    for name in LINE_PARTS:
        for outline in shape.outlines.get(name, ()) if name != "hair" or hair else ():
            stroke(white, outline, max(_LINE * shape.side, 1.0))
    torch.maximum(canvas, white, out=canvas)


def _mask(face: FaceAttributes, shape: FaceShape, more: Sequence[str]) -> Tensor:
    """Soft mask (1, 1, H, W) of the head in the image, and of the drawn outlines `more`."""
    unit = max(face.face.width, face.face.height)
    grow, band = _GROW * unit, max(_FEATHER * unit, 0.5)
    outside = head_distance(face, grow, limit=band)
    for name in more:
        # Hair ends in the image's own soft edge, as in `head_distance`.
        out = grow / 2 if name == "hair" else grow
        drawn = [tuple(map(tuple, one.tolist())) for one in shape.outlines.get(name, ())]
        distance = outline_distance(drawn, face.size, out + band + 1)
        outside = torch.minimum(outside, distance - out)
    return (0.5 - outside / (2 * band)).clamp(0, 1)


def hint_json(hint: Hint) -> dict[str, Any]:
    """What was drawn, as plain numbers and texts: each face's box, parts, and number of points."""
    return {
        "faces": [
            {
                "face": list(shape.box),
                "outlines": list(shape.outlines),
                "points": 0 if shape.points is None else len(shape.points),
            }
            for shape in hint.shapes
        ]
    }
