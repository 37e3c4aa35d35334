"""Batches: which picture goes with which masks, one of one kind serving many of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from ..errors import ConfigError, ImageError, MaskError
from ..images import check_mask, resize
from ..types import DetectedFaces, Identity
from .config import ComposeConfig
from .masks import face_mask


class Job(NamedTuple):
    """A picture (1, 3, H, W), the masks (1, 1, H, W) of the faces to paint in it, and who each is.

    None is whoever the model paints by itself.
    """

    image: Tensor
    masks: list[Tensor]
    people: list[Identity | None]


def plan_batch(
    images: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    found: DetectedFaces | None,
    people: Sequence[Identity | None],
    config: ComposeConfig,
) -> tuple[list[Job], list[str]]:
    """One job per picture of the result, and notes; never fewer jobs than pictures.

    `masks` (1, 1, H, W) say where to paint and go before `found`. One picture with N masks, or N
    with one, gives N jobs; a mask of another size is resized to its picture. A picture without
    a face has a job without masks. Where there are `people`, face k is person k, and a face that
    has nobody is left alone. Raises ConfigError if there is nothing to say where to paint,
    MaskError and ImageError for numbers that do not fit.
    """
    if masks is not None:
        pairs = _pair(images, masks, "masks", MaskError)
        fitted = [(image, [_fitted(mask, image)]) for image, mask in pairs]
        resized = any(mask.shape[-2:] != image.shape[-2:] for image, mask in pairs)
        jobs, notes = _with_people(fitted, people)
        return jobs, [*notes, *["the mask was resized to the picture"] * resized]
    if found is None:
        raise ConfigError(
            "there is nothing that says where to paint: wire a mask, or the attributes of FaceA "
            "Attribute Detect"
        )
    searched, notes = [], []
    pairs = _pair(images, found.faces, "searched pictures", ImageError)
    for number, (image, faces) in enumerate(pairs, start=1):
        # A face of score 0 stands for a picture without one.
        seen = [face for face in faces if face.score > 0]
        if not seen:
            notes.append(f"picture {number}: no face was found, it stays as it is")
        for face in seen:
            if tuple(face.size) != tuple(image.shape[-2:]):
                raise ImageError(
                    f"picture {number} is {tuple(image.shape[-2:])} (H, W) and its faces were "
                    f"searched in {tuple(face.size)}; detect faces in this picture"
                )
        searched.append((image, [face_mask(face, config) for face in seen]))
    jobs, more = _with_people(searched, people)
    return jobs, [*notes, *more]


def _with_people(
    searched: Sequence[tuple[Tensor, list[Tensor]]], people: Sequence[Identity | None]
) -> tuple[list[Job], list[str]]:
    if not any(person is not None for person in people):
        return [Job(image, masks, [None] * len(masks)) for image, masks in searched], []
    jobs, notes = [], []
    for number, (image, masks) in enumerate(searched, start=1):
        given = [*people, *[None] * len(masks)][: len(masks)]
        kept = [(m, p) for m, p in zip(masks, given, strict=True) if p is not None]
        if len(kept) < len(masks):
            notes.append(
                f"picture {number}: {len(masks) - len(kept)} of {len(masks)} faces left alone, for "
                "no identity is wired for them"
            )
        jobs.append(Job(image, [m for m, _ in kept], [p for _, p in kept]))
    return jobs, notes


def _pair(images: Sequence[Tensor], others: Sequence, noun: str, error: type) -> list[tuple]:
    count = max(len(images), len(others))
    if min(len(images), len(others)) not in (1, count):
        raise error(
            f"there are {len(images)} pictures and {len(others)} {noun}; give as many of both, or "
            "one of one kind"
        )
    return [(images[i % len(images)], others[i % len(others)]) for i in range(count)]


def _fitted(mask: Tensor, image: Tensor) -> Tensor:
    # Its values first: resizing would hide a scale of bytes and spread a NaN.
    mask = check_mask(mask.detach().cpu(), mask)
    return check_mask(resize(mask, (image.shape[-2], image.shape[-1]), mask=True), image)
