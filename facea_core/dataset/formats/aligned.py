"""aligned/: every face of 112x112 pixels with eyes, nose and mouth where ArcFace wants them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import ConfigError, ImageError
from ...hints.align import Similarity, similarity
from ...io.generated_images import ALL, PART, SOURCES, generated_bytes
from ...io.images import from_bytes, resize
from ..columns import file_name
from ..values import Picture
from .replaced import replaced
from .sources import checked, jpeg_of

SIDE = 112
"""Side of a crop in pixels."""

# Eyes, tip of the nose, corners of the mouth, as they are published for ArcFace, where the first
# pixel's centre is 0; here, as in all of FaceA, it is 0.5.
PLACES = 0.5 + np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
"""Where the five points (5, 2) of a face come to lie, in pixels of the crop."""

QUALITY = 95

_LARGEST = 64
"""Pixels of the picture on one of the crop, along a side: no face is larger."""

_DENSE = 24
"""Points looked at for one pixel of the crop, along a side: more tell nothing more."""

_REACH = 2
"""Pixels to each side that the filter of `resize` reaches."""


def write(folder: str | Path, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Writes aligned/ with the same folders and names as images/; notes on what was left out."""
    checked(pictures)
    require_points(pictures)
    done = 0
    with replaced(folder, "aligned") as stage:
        for picture, jpeg in aligned_jpegs(folder, pictures):
            path = stage / file_name(picture)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(jpeg)
            done += 1
    return left_out(len(pictures) - done)


def require_points(pictures: Sequence[Picture]) -> None:
    """Raises ConfigError where there is nothing to align."""
    if all(_onto_places(picture.points) is None for picture in pictures):
        raise ConfigError(
            "in no picture were the five points read by which faces are aligned; leave out the "
            "formats aligned and recordio, or sample with a detector that finds points"
        )


def left_out(count: int) -> tuple[str, ...]:
    """The note on so many pictures without points."""
    if not count:
        return ()
    return (f"{count} picture{'s' * (count > 1)} left out, in which no five points were read",)


def aligned_jpegs(
    folder: str | Path, pictures: Sequence[Picture]
) -> Iterator[tuple[Picture, bytes]]:
    """The pictures whose points are known, each with its aligned crop as a JPEG."""
    for picture in pictures:
        jpeg = jpeg_of(folder, picture)
        move = _onto_places(picture.points)
        if move is None:
            continue
        try:
            image = from_bytes(jpeg)
        except ImageError as error:
            raise ImageError(f"{picture.path}: {error}") from error
        # A crop is as generated as what it was cut from.
        source = ALL if b"/" + SOURCES[ALL].encode() in jpeg else PART
        yield picture, generated_bytes(_sampled(image, move), source=source, quality=QUALITY)[0]


def aligned_crop(image: Tensor, points: Sequence[tuple[float, float]]) -> Tensor | None:
    """`(1, 3, 112, 112)` of `image` `(1, 3, H, W)`; None where the five points make no face.

    Turned, scaled and shifted, never mirrored or sheared, in one resampling; black outside the
    image.
    """
    move = _onto_places(points)
    return None if move is None else _sampled(image, move)


def _onto_places(points: Sequence[tuple[float, float]]) -> Similarity | None:
    """What moves the points onto `PLACES`."""
    here = np.array(points, dtype=float)
    if here.shape != PLACES.shape or not np.isfinite(here).all():
        return None
    # Five points in one place have no size.
    if float(np.ptp(here, axis=0).max()) < 1.0:
        return None
    move = similarity(here, PLACES)
    return move if move.scale * _LARGEST >= 1.0 else None


def _sampled(image: Tensor, move: Similarity) -> Tensor:
    height, width = image.shape[-2:]
    # Points as dense as the picture's own pixels are looked at; one filter makes pixels of them.
    dense = min(max(math.ceil(1.0 / move.scale - 1e-6), 1), _DENSE)
    margin = _REACH if dense > 1 else 0
    side = SIDE + 2 * margin
    line = (np.arange(side * dense) + 0.5) / dense - margin
    places = np.stack(np.meshgrid(line, line), axis=-1)
    there = 2 * (places - move.shift) @ np.linalg.inv(move.turn).T / (width, height) - 1
    grid = torch.from_numpy(there)[None].to(image.dtype)
    mode = "bicubic" if dense == 1 else "bilinear"
    # Its border is repeated for the half pixel at the image's edge; beyond is black.
    seen = F.grid_sample(image, grid, mode, padding_mode="border", align_corners=False)
    seen = seen * (grid.abs().amax(dim=-1) <= 1.0)[:, None]
    made = resize(seen, (side, side))
    return made[..., margin : margin + SIDE, margin : margin + SIDE].clamp(0, 1)
