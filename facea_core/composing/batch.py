"""Batches: which image goes with which masks, one of one kind serving many of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from ..errors import ConfigError, ImageError, MaskError
from ..io.images import check_mask, glance, other_scene, resize
from ..lazy import Lazy
from ..types import BackboneSpec, DetectedFaces, FaceAttributes, Identity, Size
from .config import ComposeConfig
from .faces import TargetFace
from .masks import face_mask
from .pieces import mask_pieces
from .prompts import prompt_for

T = TypeVar("T")
Draw = Callable[[Size], list[Tensor]]
"""The masks (1, 1, H, W) for an image of that size."""


@dataclass(frozen=True, eq=False)
class Job:
    """An image (1, 3, H, W), `index` of those given from 0, and the faces to paint in it."""

    image: Tensor
    faces: tuple[TargetFace, ...]
    index: int = 0


@dataclass(frozen=True, eq=False)
class _Plan:
    """Of the masks that `draw` gives for image `index`, those to paint, by number, and whom."""

    index: int
    draw: Draw
    kept: Mapping[int, Identity | None]


class Jobs(Lazy[Job]):
    """The jobs of a batch, each built when it is asked for: of a video one frame is in memory."""

    def __init__(self, images: Sequence[Tensor], plans: Sequence[_Plan], prompt: str = "") -> None:
        self._images, self._plans, self._prompt = images, plans, prompt

    def __len__(self) -> int:
        return len(self._plans)

    def build(self, number: int) -> Job:
        plan = self._plans[number]
        image = self._images[plan.index]
        masks = plan.draw(_size(image)) if plan.kept else []
        faces = tuple(
            TargetFace(masks[k], identity, prompt_for(self._prompt, k))
            for k, identity in plan.kept.items()
        )
        return Job(image, faces, plan.index)

    @property
    def faces(self) -> int:
        """How many are painted in all images."""
        return sum(len(plan.kept) for plan in self._plans)


def plan_batch(
    images: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    found: DetectedFaces | None,
    identities: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
    prompt: str = "",
) -> tuple[Jobs, list[str]]:
    """One job per image of the result, and notes; never fewer jobs than images.

    `masks` (1, 1, H, W) say where to paint and go before `found`. One image with N masks, or N
    with one, gives N jobs; a mask of another size is resized to its image, and one that shows
    several places far apart is as many (`mask_pieces`). An image without a face has a job without
    faces. Where there are `identities`, face k is painted as identity k, and a face that has none
    is left alone; a single identity is painted in all places of a mask. Each face has its part of
    `prompt` (`prompt_for`), faces that are left alone counted. Raises ConfigError if there is
    nothing to say where to paint, MaskError and ImageError for what does not fit.
    """
    if masks is not None:
        plans, notes = _drawn(images, masks, identities, config, spec)
    elif found is not None:
        plans, notes = _searched(images, found, identities, config)
    else:
        raise ConfigError(
            "there is nothing that says where to paint: wire a mask, or the attributes of FaceA "
            "Attribute Detect"
        )
    return Jobs(images, plans, prompt), notes


def _drawn(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    identities: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
) -> tuple[list[_Plan], list[str]]:
    plans, notes, resized = [], [], False
    counts: dict[tuple[int, Size], int] = {}
    alone = [identity for identity in identities if identity is not None]
    pairs = _pair(len(images), masks, "masks", MaskError)
    for number, (index, at) in enumerate(pairs, start=1):
        size = _size(images[index])

        def draw(size: Size, mask: Tensor = masks[at]) -> list[Tensor]:
            return mask_pieces(_fitted(mask, size), spec, config.context_factor)

        if (at, size) not in counts:
            counts[at, size] = len(draw(size))
        resized |= _size(masks[at]) != size
        count = counts[at, size]
        if count > 1:
            notes.append(f"picture {number}: the mask shows {count} places, each with its own crop")
        single = len(alone) == 1 and identities[0] is alone[0]
        kept = _kept(count, alone * count if single else identities, number, notes)
        plans.append(_Plan(index, draw, kept))
    return plans, [*notes, *["the mask was resized to the picture"] * resized]


def _searched(
    images: Sequence[Tensor],
    found: DetectedFaces,
    identities: Sequence[Identity | None],
    config: ComposeConfig,
) -> tuple[list[_Plan], list[str]]:
    plans, notes = [], []
    pairs = _pair(len(images), found.faces, "searched pictures", ImageError)
    for number, (index, at) in enumerate(pairs, start=1):
        # A face of score 0 stands for an image without one.
        seen = [face for face in found.faces[at] if face.score > 0]
        if not seen:
            notes.append(f"picture {number}: no face was found, it stays as it is")
        size = _size(images[index]) if seen else None
        for face in seen:
            if tuple(face.size) != size:
                raise ImageError(
                    f"picture {number} is {size} (H, W) and its faces were "
                    f"searched in {tuple(face.size)}; detect faces in this picture"
                )

        if seen and found.glances and other_scene(glance(images[index]), found.glances[at]):
            notes.append(
                f"picture {number}: its faces were found in another picture, it seems; wire the "
                "same picture into FaceA Attribute Detect and here"
            )

        def draw(_: Size, seen: list[FaceAttributes] = seen) -> list[Tensor]:
            return [face_mask(face, config) for face in seen]

        plans.append(_Plan(index, draw, _kept(len(seen), identities, number, notes)))
    return plans, notes


def _kept(
    count: int, identities: Sequence[Identity | None], number: int, notes: list[str]
) -> Mapping[int, Identity | None]:
    """Of `count` faces those that have an identity; all of them if there is none at all."""
    if not any(identity is not None for identity in identities):
        return dict.fromkeys(range(count))
    kept = {k: given for k, given in enumerate(identities[:count]) if given is not None}
    if len(kept) < count:
        notes.append(
            f"picture {number}: {count - len(kept)} of {count} faces left alone, for "
            "no identity is wired for them"
        )
    return kept


def _pair(
    images: int, others: Sequence[T], noun: str, error: type[ImageError] | type[MaskError]
) -> list[tuple[int, int]]:
    count = max(images, len(others))
    if min(images, len(others)) not in (1, count):
        raise error(
            f"there are {images} pictures and {len(others)} {noun}; give as many of both, or "
            "one of one kind"
        )
    return [(i % images, i % len(others)) for i in range(count)]


def _size(image: Tensor) -> Size:
    return image.shape[-2], image.shape[-1]


def _fitted(mask: Tensor, size: Size) -> Tensor:
    # Its values first: resizing would hide a scale of bytes and spread a NaN.
    mask = check_mask(mask.detach().cpu(), mask)
    return check_mask(resize(mask, size, mask=True), mask.new_empty(1, 1, *size))
