"""From pictures to faces with their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..attributes import ATTRIBUTES, Attribute, attribute_table
from ..errors import ConfigError, ImageError, NoFaceError, PartError
from ..images import check_image
from ..types import Box, DetectedFaces, FaceAttributes, Photo
from .base import FACE, Detector
from .select import FACE_ORDERS, select_faces, select_parts

ON_MISSING = ("error", "skip", "pass")
EVERY_FACE = -1
HAIR = ATTRIBUTES["hair"]

_VISIBLE = 0.35
"""Share of a part that must be inside the picture for the part to count as seen."""


@dataclass(frozen=True)
class DetectConfig:
    """What is looked for. Raises ConfigError for a value that is unknown or out of range."""

    attributes: str | tuple[str, ...] = field(
        default="male", metadata={"help": "a preset or a comma list of facial attributes"}
    )
    face_index: int = field(
        default=0,
        metadata={"help": "which face, counted from 0 in the face order; -1 = all", "min": -1},
    )
    face_order: str = field(
        default="largest", metadata={"help": "how faces are counted", "choices": FACE_ORDERS}
    )
    face_threshold: float = field(
        default=0.35, metadata={"help": "least score of a face", "min": 0.0, "max": 1.0}
    )
    part_threshold: float = field(
        default=0.25, metadata={"help": "least score of a part", "min": 0.0, "max": 1.0}
    )
    on_missing: str = field(
        default="error",
        metadata={
            "help": "without a face or part: stop, leave the picture out, or go on without",
            "choices": ON_MISSING,
        },
    )

    def __post_init__(self) -> None:
        attribute_table(self.attributes)
        for name, choices in (("face_order", FACE_ORDERS), ("on_missing", ON_MISSING)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}; use one of {', '.join(choices)}"
                )
        for name in ("face_threshold", "part_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; use a number from 0 to 1")
        if self.face_index < EVERY_FACE:
            raise ConfigError(f"face_index is {self.face_index}; count from 0, or give -1 for all")

    @property
    def table(self) -> tuple[Attribute, ...]:
        return attribute_table(self.attributes)


def detect_attributes(
    images: Sequence[Tensor], detector: Detector, config: DetectConfig | None = None
) -> tuple[FaceAttributes | None, ...]:
    """The chosen face of each image `(1, 3, H, W)` with its parts; as many answers as images.

    As `detect_chosen`, for one face per image: None where "skip" left it out. Raises ConfigError
    if the config asks for every face.
    """
    config = config or DetectConfig()
    if config.face_index == EVERY_FACE:
        raise ConfigError("one face per picture is needed here: give a face_index from 0")
    return tuple(next(iter(faces), None) for faces in detect_chosen(images, detector, config))


def detect_chosen(
    images: Sequence[Tensor], detector: Detector, config: DetectConfig | None = None
) -> tuple[tuple[FaceAttributes, ...], ...]:
    """The chosen face, or every face, of each image `(1, 3, H, W)`; as many answers as images.

    Where the face or a part is missing, `config.on_missing` decides: "error" raises NoFaceError or
    PartError with the image's number (from 1); "skip" answers nothing for that image; "pass"
    answers what was found, with the whole picture as the face (score 0) if there is none. Raises
    ImageError for an image that cannot be used.
    """
    config = config or DetectConfig()
    answers: list[tuple[FaceAttributes, ...]] = []
    for number, image in enumerate(images, start=1):
        name = f"image {number} of {len(images)}" if len(images) > 1 else "the image"
        try:
            answers.append(_detect_one(image, detector, config, name))
        except (NoFaceError, PartError):
            if config.on_missing != "skip":
                raise
            answers.append(())
    return tuple(answers)


def detect_faces(
    image: Tensor, detector: Detector, config: DetectConfig | None = None
) -> tuple[FaceAttributes, ...]:
    """Every face of `image` `(1, 3, H, W)` in `config.face_order` with the parts that were found.

    Hair is always looked for, asked or not: the head that is repainted ends where the hair does.
    `face_index` and `on_missing` do not apply; the answer may be empty.
    """
    config = config or DetectConfig()
    image = _one(image)
    size = (image.shape[-2], image.shape[-1])
    table = config.table
    if HAIR not in table:
        table = (*table, HAIR)
    phrases = (FACE, *(one.phrase for one in table if one.name != FACE))
    found = detector.detect(image, phrases)
    faces = select_faces(found, size, order=config.face_order, threshold=config.face_threshold)
    strong = [
        one
        for one in found
        if one.score >= config.part_threshold
        and one.box.clip(size).area >= _VISIBLE * one.box.area > 0
    ]
    answers = []
    for face in faces:
        parts = select_parts((*strong, face), face.box, table)
        parts = tuple(replace(part, box=part.box.clip(size)) for part in parts)
        box, notes = face.box.clip(size), []
        if box.x0 == 0 or box.y0 == 0 or box.x1 == size[1] or box.y1 == size[0]:
            notes.append("the face touches the border of the picture")
        notes += [f"{part.attribute} estimated from the face" for part in parts if part.estimated]
        source = face.source or detector.name
        answers.append(FaceAttributes(size, box, face.score, parts, source, tuple(notes)))
    return tuple(answers)


def photos_with_faces(
    images: Sequence[Tensor], found: DetectedFaces
) -> tuple[list[Photo], list[str]]:
    """The pictures in which a face was found, as training takes them, and notes on the others.

    Of several faces in a picture the first is meant. Raises ImageError if `found` is not of these
    pictures, NoFaceError if no picture is left.
    """
    if len(images) != len(found.faces):
        raise ImageError(
            f"there are {len(images)} pictures, and faces were searched in {len(found.faces)}; "
            "wire the same pictures into both"
        )
    photos, notes = [], []
    for number, (image, faces) in enumerate(zip(images, found.faces, strict=True), start=1):
        if faces:
            photos.append(Photo(image, faces[0], f"photo {number}"))
        else:
            notes.append(f"photo {number} left out: not everything was found in it")
    if not photos:
        raise NoFaceError(
            f"none of the {len(images)} photos is left to learn from; give others, or set "
            "on_missing to pass"
        )
    return photos, notes


def part_masks(
    image: Tensor, faces: Sequence[FaceAttributes], table: Sequence[Attribute]
) -> list[Tensor]:
    """One mask `(1, 1, H, W)` per attribute of the table: that part of all faces together."""
    masks = []
    for attribute in table:
        mask = torch.zeros_like(image[:, :1])
        for part in filter(None, (face.part(attribute.name) for face in faces)):
            if part.mask is None:
                mask[..., part.box.y0 : part.box.y1, part.box.x0 : part.box.x1] = 1
            else:
                mask = torch.maximum(mask, part.mask.to(mask))
        masks.append(mask)
    return masks


def to_json(attributes: Sequence[FaceAttributes | None]) -> dict[str, Any]:
    """`{"faces": [...]}` of plain numbers and strings, one entry per image; null where skipped.

    Boxes are [x0, y0, x1, y1], `size` is [height, width].
    """
    return {"faces": [None if one is None else _face_json(one) for one in attributes]}


def _face_json(one: FaceAttributes) -> dict[str, Any]:
    return {
        "size": list(one.size),
        "face": list(one.face),
        "score": round(one.score, 4),
        "detector": one.detector,
        "parts": {
            part.attribute: {
                "box": list(part.box),
                "score": round(part.score, 4),
                "estimated": part.estimated,
            }
            for part in one.parts
        },
        "notes": list(one.notes),
    }


def _detect_one(
    image: Tensor, detector: Detector, config: DetectConfig, name: str
) -> tuple[FaceAttributes, ...]:
    image = _one(image)
    faces = detect_faces(image, detector, config)
    if max(config.face_index, 0) >= len(faces):
        if config.on_missing == "pass":
            return (_whole_picture(image, config),)
        raise NoFaceError(_no_face(len(faces), detector, config, name))
    if config.face_index == EVERY_FACE:
        # In a crowd some part is always hidden: it is noted, and the face stays.
        config = replace(config, on_missing="pass")
        return tuple(_checked(face, config, name) for face in faces)
    face = _checked(faces[config.face_index], config, name)
    if len(faces) > 1:
        taken = f"{len(faces)} faces found, number {config.face_index} taken ({config.face_order})"
        face = replace(face, notes=(*face.notes, taken))
    return (face,)


def _checked(face: FaceAttributes, config: DetectConfig, name: str) -> FaceAttributes:
    """The face with a note on what is missing; PartError if that is not to pass."""
    missing = [one.name for one in config.table if face.part(one.name) is None]
    if not missing:
        return face
    if config.on_missing != "pass":
        found = ", ".join(face.attributes) or "nothing"
        raise PartError(
            f"{name}: no {', no '.join(missing)} found in the face at {tuple(face.face)} by the "
            f"{face.detector} detector (found: {found}); choose other attributes, lower "
            f"part_threshold ({config.part_threshold:g}), or set on_missing to skip or pass"
        )
    return replace(face, notes=(*face.notes, f"not found: {', '.join(missing)}"))


def _whole_picture(image: Tensor, config: DetectConfig) -> FaceAttributes:
    height, width = image.shape[-2:]
    missing = ", ".join(one.name for one in config.table)
    notes = ("no face found, the whole picture taken", f"not found: {missing}")
    return FaceAttributes((height, width), Box(0, 0, width, height), 0.0, notes=notes)


def _no_face(count: int, detector: Detector, config: DetectConfig, name: str) -> str:
    if count:
        return (
            f"{name} has {count} face{'s' * (count > 1)} and face_index {config.face_index} was "
            f"asked for; count from 0, so at most {count - 1}"
        )
    return (
        f"{name}: no face found by the {detector.name} detector; use a picture in which the face "
        "is upright, lit and at least 20 pixels wide, lower face_threshold "
        f"({config.face_threshold:g}), or set on_missing to skip or pass"
    )


def _one(image: Tensor) -> Tensor:
    image = check_image(image)
    if len(image) != 1:
        raise ImageError(
            f"{len(image)} pictures in one tensor; give a sequence of (1, 3, height, width)"
        )
    return image
