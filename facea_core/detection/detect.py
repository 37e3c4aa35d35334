"""From images to faces with their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..attributes import ATTRIBUTES, Attribute
from ..errors import ConfigError, ImageError, MaskError, NoFaceError, PartError
from ..io.images import check_image
from ..masks import part_mask
from ..types import Box, FaceAttributes, OnTick, Size
from .base import FACE, Detector
from .config import DetectConfig
from .estimate import estimated_note, missing_note, with_estimates
from .select import select, select_faces
from .user_masks import OwnMasks, fitted, put_on, region_of

Only = Callable[[Tensor, Sequence[FaceAttributes]], Sequence[FaceAttributes]]
"""(image, its faces) -> those that count, in their order."""

HAIR = ATTRIBUTES["hair"]

_IN_REGION = 0.25
"""Share of a face that must be in the region: a daub on it is enough, one beside it is not."""

_VISIBLE = 0.35
"""Share of a part that must be inside the image for the part to count as seen."""


def detect_attributes(
    images: Sequence[Tensor],
    detector: Detector,
    config: DetectConfig | None = None,
    own: Sequence[OwnMasks] | None = None,
    regions: Sequence[Tensor] | None = None,
    only: Only | None = None,
) -> tuple[FaceAttributes | None, ...]:
    """The chosen face of each image `(1, 3, H, W)` with its parts; as many answers as images.

    As `detect_chosen`, for one face per image: None where "skip" left it out. Raises ConfigError
    if the config asks for several faces.
    """
    config = config or DetectConfig()
    if not config.one_face:
        raise ConfigError("one face per picture is needed here: give a face_index from 0")
    answers = detect_chosen(images, detector, config, own, regions, only=only)
    return tuple(next(iter(faces), None) for faces in answers)


def detect_chosen(
    images: Sequence[Tensor],
    detector: Detector,
    config: DetectConfig | None = None,
    own: Sequence[OwnMasks] | None = None,
    regions: Sequence[Tensor] | None = None,
    on_tick: OnTick | None = None,
    only: Only | None = None,
) -> tuple[tuple[FaceAttributes, ...], ...]:
    """The chosen faces, or every face, of each image `(1, 3, H, W)`; as many answers as images.

    Where the face or a part is missing, `config.on_missing` decides: "error" raises NoFaceError or
    PartError with the image's number (from 1); "skip" answers nothing for that image; "pass"
    answers what was found, with the whole image as the face (score 0) if there is none;
    "estimate" does the same and adds the parts a face lacks from its proportions (score 0).
    `own` are the user's masks of each image, see `put_on`: what they show is not missing. `regions`
    are masks (1, 1, H, W), one or one per image: what lies outside is not looked at, see
    `in_region`. `only` leaves some of the faces, in its own order: numbers then count those.
    `on_tick` is called after every image. Raises ImageError for an image that cannot
    be used, MaskError for masks that do not fit.
    """
    config = config or DetectConfig()
    if regions is not None and len(regions) not in (1, len(images)):
        raise MaskError(
            f"there are regions for {len(regions)} pictures and {len(images)} pictures; give one "
            "for all, or one per picture"
        )
    if own is not None and len(own) != len(images):
        raise MaskError(
            f"there are own masks for {len(own)} pictures and {len(images)} pictures; give one "
            "entry per picture, empty where there is no mask"
        )
    answers: list[tuple[FaceAttributes, ...]] = []
    for number, image in enumerate(images, start=1):
        name = f"image {number} of {len(images)}" if len(images) > 1 else "the image"
        masks = own[number - 1] if own else {}
        region = regions[(number - 1) % len(regions)] if regions else None
        try:
            answers.append(_detect_one(image, detector, config, name, masks, region, only))
        except (NoFaceError, PartError):
            if config.on_missing != "skip":
                raise
            answers.append(())
        if on_tick:
            on_tick(number, len(images))
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
    phrases = (FACE, *(one.name for one in table if one.name != FACE))
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
        parts, roll = select((*strong, face), face.box, table)
        parts = tuple(replace(part, box=part.box.clip(size)) for part in parts)
        box, notes = face.box.clip(size), []
        if box.x0 == 0 or box.y0 == 0 or box.x1 == size[1] or box.y1 == size[0]:
            notes.append("the face touches the border of the picture")
        notes += [estimated_note(part.attribute) for part in parts if part.estimated]
        source = face.source or detector.name
        answers.append(FaceAttributes(size, box, face.score, parts, source, tuple(notes), roll))
    return tuple(answers)


def part_masks(
    image: Tensor,
    faces: Sequence[FaceAttributes],
    table: Sequence[Attribute],
    *,
    grow: float = 0.0,
    feather: float = 0.0,
) -> list[Tensor]:
    """One soft mask `(1, 1, H, W)` per attribute of the table: that part of all faces together.

    `grow` and `feather` are shares of the longer side of each part, as in `masks.part_mask`.
    """
    size = (image.shape[-2], image.shape[-1])
    masks = []
    for attribute in table:
        mask = torch.zeros_like(image[:, :1])
        for part in filter(None, (face.part(attribute.name) for face in faces)):
            one = part_mask(part, size, grow=grow, feather=feather)
            mask = torch.maximum(mask, one.to(mask))
        masks.append(mask)
    return masks


def to_json(attributes: Sequence[FaceAttributes | None]) -> dict[str, Any]:
    """`{"faces": [...]}` of plain numbers and strings, one entry per image; null where skipped.

    Boxes are [x0, y0, x1, y1], `size` is [height, width], `roll` degrees or null.
    """
    return {"faces": [None if one is None else _face_json(one) for one in attributes]}


def _face_json(one: FaceAttributes) -> dict[str, Any]:
    return {
        "size": list(one.size),
        "face": list(one.face),
        "score": round(one.score, 4),
        "roll": one.roll,
        "detector": one.detector,
        "parts": {
            part.attribute: {
                "box": list(part.box),
                "score": round(part.score, 4),
                "estimated": part.estimated,
                "own_mask": part.mask is not None,
            }
            for part in one.parts
        },
        "notes": list(one.notes),
    }


def in_region(faces: Sequence[FaceAttributes], region: Tensor) -> tuple[FaceAttributes, ...]:
    """The faces of which at least a quarter lies where `region` (1, 1, H, W) is white."""
    kept = []
    for face in faces:
        x0, y0, x1, y1 = face.face
        if float(region[..., y0:y1, x0:x1].mean()) >= _IN_REGION:
            kept.append(face)
    return tuple(kept)


def _detect_one(
    image: Tensor, detector: Detector, config: DetectConfig, name: str, own: OwnMasks,
    region: Tensor | None, only: Only | None,
) -> tuple[FaceAttributes, ...]:  # fmt: skip
    image = _one(image)
    size = (image.shape[-2], image.shape[-1])
    own = fitted(own, image, name)
    seen = faces = detect_faces(image, detector, config)
    if region is not None:
        faces = in_region(seen, region_of(region, image, name))
    if only is not None and faces:
        faces = tuple(only(image, faces))
        if not faces and config.on_missing not in ("pass", "estimate"):
            raise NoFaceError(
                f"{name} has {len(seen)} face{'s' * (len(seen) > 1)}, and none is that of the "
                "person in the references; give more photos, or choose the face by its number"
            )
    wanted = config.wanted or tuple(range(max(len(faces), 1)))
    there = [faces[number] for number in wanted if number < len(faces)]
    absent = [number for number in wanted if number >= len(faces)]
    if not there and FACE in own:
        return (_checked(put_on((), own, size)[0], config, name),)
    if absent and config.on_missing not in ("pass", "estimate"):
        raise NoFaceError(_no_face(len(faces), len(seen), absent[0], detector, config, name))
    if not there:
        return put_on((_whole_picture(size, config),), own, size)
    if not config.one_face and config.on_missing != "estimate":
        # In a crowd some part is always hidden: it is noted or estimated, and the face stays.
        config = replace(config, on_missing="pass")
    first, *more = (_checked(face, config, name) for face in put_on(there, own, size))
    if absent:
        lacks = f"{len(faces)} faces found, number {', '.join(map(str, absent))} is not there"
        first = replace(first, notes=(*first.notes, lacks))
    if config.one_face and len(faces) > 1:
        taken = f"{len(faces)} faces found, number {wanted[0]} taken ({config.face_order})"
        first = replace(first, notes=(*first.notes, taken), others=len(faces) - 1)
    return (first, *more)


def _checked(face: FaceAttributes, config: DetectConfig, name: str) -> FaceAttributes:
    """The face with a note on what is missing; PartError if that is not to pass."""
    if config.on_missing == "estimate":
        face = with_estimates(face, [one.name for one in config.table])
    missing = [one.name for one in config.table if face.part(one.name) is None]
    if not missing:
        return face
    if config.on_missing not in ("pass", "estimate"):
        found = ", ".join(face.attributes) or "nothing"
        raise PartError(
            f"{name}: no {', no '.join(missing)} found in the face at {tuple(face.face)} by the "
            f"{face.detector} detector (found: {found}); choose other attributes, lower "
            f"part_threshold ({config.part_threshold:g}), draw an own mask, or set on_missing to "
            "skip, pass or estimate"
        )
    return replace(face, notes=(*face.notes, missing_note(missing)))


def _whole_picture(size: Size, config: DetectConfig) -> FaceAttributes:
    missing = missing_note([one.name for one in config.table])
    notes = ("no face found, the whole picture taken", missing)
    return FaceAttributes(size, Box(0, 0, size[1], size[0]), 0.0, notes=notes)


def _no_face(
    count: int, seen: int, asked: int, detector: Detector, config: DetectConfig, name: str
) -> str:
    where = " in the region" if count < seen else ""
    if count:
        return (
            f"{name} has {count} face{'s' * (count > 1)}{where} and number {asked} was asked for "
            f"by {'faces' if config.faces.strip() else 'face_index'}; count from 0, so at most "
            f"{count - 1}"
        )
    if seen:
        return (
            f"{name} has {seen} face{'s' * (seen > 1)}, and none in the region; paint it over the "
            "face that is meant, or leave it out"
        )
    names = ", ".join(one.name for one in getattr(detector, "detectors", ()))
    who = f"{detector.name} detector" + (f" (asked: {names})" if names else "")
    return (
        f"{name}: no face found by the {who}; use a picture in which the face "
        "is upright, lit and at least 20 pixels wide, lower face_threshold "
        f"({config.face_threshold:g}), or set on_missing to skip, pass or estimate"
    )


def _one(image: Tensor) -> Tensor:
    image = check_image(image)
    if len(image) != 1:
        raise ImageError(
            f"{len(image)} pictures in one tensor; give a sequence of (1, 3, height, width)"
        )
    return image
