"""What each photo of one person shows that is not the person's, said in its caption."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from ..detection.painted import TinyDetector
from ..detection.points import face_points
from ..io.images import check_image
from ..types import FaceAttributes, OnTick, Photo
from .expression import painted_expression, photographed_expression
from .glasses import painted_glasses, photographed_glasses
from .measure import colourless, is_face
from .painted import read_painted

COLOURLESS = "black and white"
"""As captions say that a photo shows no colours."""


class Shown(NamedTuple):
    """What is surely to be seen of a face: its expression, in words, and glasses, in words; "" =
    none, None = not sure."""

    expression: tuple[str, ...] = ()
    glasses: str | None = None


def shown_of(image: Tensor, face: FaceAttributes) -> Shown:
    """What is seen of a face in an image (1, 3, H, W); nothing where nobody is.

    Raises ImageError for what is no image.
    """
    image = check_image(image)
    if not is_face(face):
        return Shown()
    if face.detector == TinyDetector.name:
        read = read_painted(image, face.face)
        return Shown(painted_expression(read), painted_glasses(read))
    points = face_points(image, face)
    if points is None:
        return Shown()
    return Shown(photographed_expression(points), photographed_glasses(image, points))


def captioned(
    photos: Sequence[Photo], bare: Collection[Photo] | None = None,
    on_photo: OnTick = lambda *_: None,
) -> list[Photo]:  # fmt: skip
    """The photos of one person; of those without a caption it says what is not the person's.

    That is the expression, glasses if not all photos show them, for who always wears them is
    learned with them, and that there are no colours. `bare` are the photos without a caption; None
    = those whose caption is empty. `on_photo` is called with (done, in all) before each: raise in
    it to cancel.
    """
    if bare is None:
        bare = [photo for photo in photos if not photo.caption]
    if not bare:
        return list(photos)
    seen = []
    for number, photo in enumerate(photos):
        on_photo(number, len(photos))
        seen.append(shown_of(photo.image, photo.attributes))
    sometimes = any(one.glasses == "" for one in seen)
    return [
        replace(photo, caption=_caption(photo, one, sometimes)) if photo in bare else photo
        for photo, one in zip(photos, seen, strict=True)
    ]


def _caption(photo: Photo, shown: Shown, sometimes: bool) -> str:
    words = [*shown.expression]
    if shown.glasses and sometimes:
        words.append(shown.glasses)
    if colourless(photo.image):
        words.append(COLOURLESS)
    return ", ".join(words)
