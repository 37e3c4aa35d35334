"""`facea detect`: from photos to faces and their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...audit.person import only_of
from ...detection.base import Detector
from ...detection.config import DetectConfig
from ...detection.detect import Only, detect_faces, to_json
from ...detection.found import detect_named
from ...detection.preview import draw_faces
from ...detection.user_masks import read_own_masks
from ...errors import ImageError
from ...io.images import picture_format, resize, save_image
from ...io.mask_files import read_mask
from ...io.photos import photos_of, read_given
from ...types import Detection, FaceAttributes
from ..forms import Detect
from ..talk import bar, hand_over, note, notes, require_outputs, say
from .detectors import open_detector
from .photos import read_faces

PREVIEW_HEIGHT = 512


def detect(flags: Detect, config: DetectConfig) -> None:
    flags = replace(flags, images=photos_of(flags.images))
    if not flags.images:
        raise ImageError("there are no pictures to search; give at least one file")
    if flags.preview is not None:
        picture_format(flags.preview)
    require_outputs(flags.json, flags.preview)
    own = read_own_masks(flags.images, flags.own_masks) if flags.own_masks else None
    region = read_region(flags.region)
    detector = Once(open_detector(flags))
    only = read_only("--references", flags.references, detector)
    given = read_given(flags.images)
    found: list[FaceAttributes | None] = []
    with bar("detecting", len(given), "photo") as shown:
        for number, photo in enumerate(given):
            if photo.image is None:
                note(f"left out: {photo.problem}")
                found.append(None)
            else:
                masks = own[number] if own else None
                found += detect_named(
                    photo.path, photo.image, detector, config, masks, region, only
                )
            shown.update()

    data = to_json(found)
    for photo, face in zip(given, data["faces"], strict=True):
        if face is not None:
            face |= {"file": str(photo.path), "notes": [*photo.notes, *face["notes"]]}
    if flags.preview is not None:
        there = [(photo.image, face) for photo, face in zip(given, found, strict=True)]
        images, faces = zip(*(one for one in there if one[0] is not None), strict=True)
        everyone = [
            with_chosen(detect_faces(image, detector, config), face)
            for image, face in zip(images, faces, strict=True)
        ]
        save_image(side_by_side(images, everyone), flags.preview)
    hand_over(data, flags.json)
    if str(flags.json) != "-":
        for path, face in zip(flags.images, data["faces"], strict=True):
            say(f"{path}: {_line(face)}")


class Once:
    """A detector that searches an image once, however often it is asked the same."""

    def __init__(self, detector: Detector) -> None:
        self.name, self._detector = detector.name, detector
        self._found: dict[tuple[int, tuple[str, ...]], tuple[Detection, ...]] = {}

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        asked = (image.data_ptr(), tuple(phrases))
        if asked not in self._found:
            self._found[asked] = self._detector.detect(image, phrases)
        return self._found[asked]


def read_only(name: str, paths: Sequence[Path], detector: Detector) -> Only | None:
    """What leaves of the faces those of the person in the photos; None without any."""
    return only_of(read_faces(name, paths, detector)) if paths else None


def read_region(path: Path | None) -> Tensor | None:
    """The mask (1, 1, H, W) of where to look, with notes on stderr; None without a file."""
    if path is None:
        return None
    mask, done = read_mask(path)
    notes(str(path), done)
    return mask


def with_chosen(
    faces: Sequence[FaceAttributes], chosen: FaceAttributes | None
) -> tuple[FaceAttributes, ...]:
    """The faces, the chosen one as it was handed out: with own masks and estimated parts."""
    if chosen is None:
        return tuple(faces)
    if all(one.face != chosen.face for one in faces):
        return (*faces, chosen)
    return tuple(chosen if one.face == chosen.face else one for one in faces)


def side_by_side(images: Sequence[Tensor], faces: Sequence[Sequence[FaceAttributes]]) -> Tensor:
    """The previews of all images in one row of equal height, `(1, 3, H, W)`."""
    drawn = [draw_faces(image, found) for image, found in zip(images, faces, strict=True)]
    if len(drawn) == 1:
        return drawn[0]
    factors = [PREVIEW_HEIGHT / image.shape[2] for image in drawn]
    return torch.cat(
        [
            resize(image, (PREVIEW_HEIGHT, max(round(image.shape[3] * factor), 1)))
            for image, factor in zip(drawn, factors, strict=True)
        ],
        dim=3,
    )


def _line(face: dict | None) -> str:
    if face is None:
        return "left out"
    parts = [f"{name} {part['score']:.2f}" for name, part in face["parts"].items()]
    box = " ".join(map(str, face["face"]))
    text = ", ".join([f"face {face['score']:.2f} at {box}", *parts])
    return f"{text} ({'; '.join([face['detector'], *face['notes']])})"
