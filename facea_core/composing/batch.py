"""Batches: which picture goes with which masks, one of one kind serving many of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from torch import Tensor

from ..errors import ConfigError, ImageError, MaskError
from ..io.images import check_mask, glance, other_scene, resize
from ..lazy import Lazy
from ..types import BackboneSpec, DetectedFaces, FaceAttributes, Identity, Size
from .config import ComposeConfig
from .masks import face_mask
from .pieces import mask_pieces

T = TypeVar("T")
People = list[Identity | None]
Draw = Callable[[Size], list[Tensor]]
"""The masks (1, 1, H, W) for a picture of that size."""


class Job(NamedTuple):
    """A picture (1, 3, H, W), the masks (1, 1, H, W) of the faces to paint in it, and who each is.

    None is whoever the model paints by itself. `picture` is its number among those given, from 0;
    `numbers` are the faces' numbers in it, those that are left alone counted.
    """

    image: Tensor
    masks: list[Tensor]
    people: People
    picture: int = 0
    numbers: tuple[int, ...] = ()


class _Plan(NamedTuple):
    picture: int
    draw: Draw
    people: People
    numbers: tuple[int, ...]


class Jobs(Lazy[Job]):
    """The jobs of a batch, each built when it is asked for: of a video one frame is in memory."""

    def __init__(self, images: Sequence[Tensor], plans: Sequence[_Plan]) -> None:
        self._images, self._plans = images, plans

    def __len__(self) -> int:
        return len(self._plans)

    def build(self, number: int) -> Job:
        plan = self._plans[number]
        image = self._images[plan.picture]
        return Job(image, plan.draw(_size(image)), plan.people, plan.picture, plan.numbers)

    @property
    def faces(self) -> int:
        """How many are painted in all pictures."""
        return sum(len(plan.people) for plan in self._plans)


def plan_batch(
    images: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    found: DetectedFaces | None,
    people: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
) -> tuple[Jobs, list[str]]:
    """One job per picture of the result, and notes; never fewer jobs than pictures.

    `masks` (1, 1, H, W) say where to paint and go before `found`. One picture with N masks, or N
    with one, gives N jobs; a mask of another size is resized to its picture, and one that shows
    several places far apart is as many (`mask_pieces`). A picture without a face has a job without
    masks. Where there are `people`, face k is person k, and a face that has nobody is left alone;
    a single person is painted in all places of a mask. Raises ConfigError if there is nothing to
    say where to paint, MaskError and ImageError for what does not fit.
    """
    if masks is not None:
        plans, notes = _drawn(images, masks, people, config, spec)
    elif found is not None:
        plans, notes = _searched(images, found, people, config)
    else:
        raise ConfigError(
            "there is nothing that says where to paint: wire a mask, or the attributes of FaceA "
            "Attribute Detect"
        )
    return Jobs(images, plans), notes


def _drawn(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    people: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
) -> tuple[list[_Plan], list[str]]:
    plans, notes, resized = [], [], False
    counts: dict[tuple[int, Size], int] = {}
    alone = [person for person in people if person is not None]
    pairs = _pair(len(images), masks, "masks", MaskError)
    for number, (picture, at) in enumerate(pairs, start=1):
        size = _size(images[picture])

        def draw(size: Size, mask: Tensor = masks[at]) -> list[Tensor]:
            return mask_pieces(_fitted(mask, size), spec, config.context_factor)

        if (at, size) not in counts:
            counts[at, size] = len(draw(size))
        resized |= _size(masks[at]) != size
        count = counts[at, size]
        if count > 1:
            notes.append(f"picture {number}: the mask shows {count} places, each with its own crop")
        given = alone * count if len(alone) == 1 and people[0] is alone[0] else people
        plans.append(_given(picture, draw, count, given, number, notes))
    return plans, [*notes, *["the mask was resized to the picture"] * resized]


def _searched(
    images: Sequence[Tensor],
    found: DetectedFaces,
    people: Sequence[Identity | None],
    config: ComposeConfig,
) -> tuple[list[_Plan], list[str]]:
    plans, notes = [], []
    pairs = _pair(len(images), found.faces, "searched pictures", ImageError)
    for number, (picture, at) in enumerate(pairs, start=1):
        # A face of score 0 stands for a picture without one.
        seen = [face for face in found.faces[at] if face.score > 0]
        if not seen:
            notes.append(f"picture {number}: no face was found, it stays as it is")
        size = _size(images[picture]) if seen else None
        for face in seen:
            if tuple(face.size) != size:
                raise ImageError(
                    f"picture {number} is {size} (H, W) and its faces were "
                    f"searched in {tuple(face.size)}; detect faces in this picture"
                )

        if seen and found.glances and other_scene(glance(images[picture]), found.glances[at]):
            notes.append(
                f"picture {number}: its faces were found in another picture, it seems; wire the "
                "same picture into FaceA Attribute Detect and here"
            )

        def draw(_: Size, seen: list[FaceAttributes] = seen) -> list[Tensor]:
            return [face_mask(face, config) for face in seen]

        plans.append(_given(picture, draw, len(seen), people, number, notes))
    return plans, notes


def _given(
    picture: int,
    draw: Draw,
    count: int,
    people: Sequence[Identity | None],
    number: int,
    notes: list[str],
) -> _Plan:
    """The plan of a picture: of `count` masks those that have somebody."""
    if not any(person is not None for person in people):
        return _Plan(picture, draw, [None] * count, tuple(range(count)))
    given = [*people, *[None] * count][:count]
    kept = [k for k, person in enumerate(given) if person is not None]
    if len(kept) < count:
        notes.append(
            f"picture {number}: {count - len(kept)} of {count} faces left alone, for "
            "no identity is wired for them"
        )

    def drawn(size: Size) -> list[Tensor]:
        masks = draw(size) if kept else []
        return [masks[k] for k in kept]

    return _Plan(picture, drawn, [given[k] for k in kept], tuple(kept))


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


def _size(picture: Tensor) -> Size:
    return picture.shape[-2], picture.shape[-1]


def _fitted(mask: Tensor, size: Size) -> Tensor:
    # Its values first: resizing would hide a scale of bytes and spread a NaN.
    mask = check_mask(mask.detach().cpu(), mask)
    return check_mask(resize(mask, size, mask=True), mask.new_empty(1, 1, *size))
