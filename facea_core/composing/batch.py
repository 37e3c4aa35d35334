"""Batches: which image goes with which masks, one of one kind serving many of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from ..errors import ConfigError, ImageError, MaskError
from ..io.images import glance, other_scene
from ..lazy import Lazy
from ..types import BackboneSpec, DetectedFaces, FaceAttributes, Identity, Size
from .chosen import require_found
from .config import ComposeConfig
from .faces import TargetFace
from .mixed import Find, check_not_mixed, mixed_faces, mixed_parts
from .pairs import fitted, pair, size_of
from .parts import WantedPart, part_faces, shown_parts, wanted_parts
from .pieces import mask_pieces
from .prompts import prompt_for

Faces = Callable[[Size], Sequence[TargetFace]]
"""The faces to paint in an image of that size."""


@dataclass(frozen=True, eq=False)
class Job:
    """An image (1, 3, H, W), `index` of those given from 0, and the faces to paint in it."""

    image: Tensor
    faces: tuple[TargetFace, ...]
    index: int = 0


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is painted into image `index`: `count` masks, which `faces` draws when it is time."""

    index: int
    count: int
    faces: Faces


class Jobs(Lazy[Job]):
    """The jobs of a batch, each built when it is asked for: of a video one frame is in memory."""

    def __init__(self, images: Sequence[Tensor], plans: Sequence[_Plan]) -> None:
        self._images, self._plans = images, plans

    @classmethod
    def of(cls, image: Tensor, faces: Sequence[TargetFace]) -> Jobs:
        """One picture (1, 3, H, W) with these faces."""
        return cls([image], [_Plan(0, len(faces), lambda _: faces)])

    def __len__(self) -> int:
        return len(self._plans)

    def build(self, number: int) -> Job:
        plan = self._plans[number]
        image = self._images[plan.index]
        return Job(image, tuple(plan.faces(size_of(image))), plan.index)

    def each(self, change: Callable[[TargetFace], TargetFace]) -> Jobs:
        """The same with every face to paint changed."""

        def changed(plan: _Plan) -> _Plan:
            return replace(plan, faces=lambda size: [change(one) for one in plan.faces(size)])

        return Jobs(self._images, [changed(plan) for plan in self._plans])

    def keeping(self, masks: Sequence[Tensor]) -> Jobs:
        """The same with masks (1, 1, H, W), one for all images or one each, of what is not to be
        repainted; one of another size is resized. Raises MaskError for another number of them."""
        if len(masks) not in (1, len(self._images)):
            raise MaskError(
                f"there are {len(masks)} masks of what to keep for {len(self._images)} pictures; "
                "give one, or one for each picture"
            )

        def kept(plan: _Plan) -> _Plan:
            mask = masks[plan.index % len(masks)]

            def faces(size: Size) -> list[TargetFace]:
                keep = fitted(mask, size)
                return [replace(one, keep=keep) for one in plan.faces(size)]

            return replace(plan, faces=faces)

        return Jobs(self._images, [kept(plan) for plan in self._plans])

    @property
    def faces(self) -> int:
        """How many masks are painted in all images."""
        return sum(plan.count for plan in self._plans)


def plan_batch(
    images: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    found: DetectedFaces | None,
    identities: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
    prompt: str = "",
    parts: str = "",
    find: Find | None = None,
    target: Callable[[FaceAttributes], TargetFace] | None = None,
) -> tuple[Jobs, list[str]]:
    """One job per image of the result, and notes; never fewer jobs than images.

    `masks` (1, 1, H, W) say where to paint and go before `found`. One image with N masks, or N
    with one, gives N jobs; a mask of another size is resized to its image, and one that shows
    several places far apart is as many (`mask_pieces`). An image without a face has a job without
    faces. Where there are `identities`, face k is painted as identity k, and a face that has none
    is left alone; a single identity is painted in all places of a mask. Each face has its part of
    `prompt` (`prompt_for`), faces that are left alone counted. With `parts` (`wanted_parts`) only
    these of each face are painted, one after another; where all of them say of whom, faces need no
    identity of their own. Of a mix by parts `find` tells where the painted head has them
    (`mixed_faces`). `target` says what of a found face is repainted, in place of the head; whose it
    becomes is filled in. Raises ConfigError if there is nothing to say where to paint, MaskError
    and ImageError for what does not fit, PartError for a part that no face shows.
    """
    if masks is not None and parts.strip():
        raise ConfigError(
            "parts are those of detected faces, and a mask is wired; unwire the mask, or leave "
            "parts empty"
        )
    if masks is not None:
        check_not_mixed(identities, "a mask is wired")
        plans, notes = _drawn(images, masks, identities, config, spec, prompt)
    elif found is not None:
        plans, notes = _searched(images, found, identities, config, prompt, parts, find, target)
    else:
        raise ConfigError(
            "there is nothing that says where to paint: wire a mask, or the attributes of FaceA "
            "Attribute Detect"
        )
    return Jobs(images, plans), notes


def _drawn(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    identities: Sequence[Identity | None],
    config: ComposeConfig,
    spec: BackboneSpec,
    prompt: str,
) -> tuple[list[_Plan], list[str]]:
    plans, notes, resized = [], [], False
    counts: dict[tuple[int, Size], int] = {}
    alone = [identity for identity in identities if identity is not None]
    pairs = pair(len(images), masks, "masks", MaskError)
    for number, (index, at) in enumerate(pairs, start=1):
        size = size_of(images[index])

        def pieces(size: Size, mask: Tensor = masks[at]) -> list[TargetFace]:
            places = mask_pieces(fitted(mask, size), spec, config.context_factor)
            return [TargetFace(place) for place in places]

        if (at, size) not in counts:
            counts[at, size] = len(pieces(size))
        resized |= size_of(masks[at]) != size
        count = counts[at, size]
        if count > 1:
            notes.append(f"picture {number}: the mask shows {count} places, each with its own crop")
        single = len(alone) == 1 and identities[0] is alone[0]
        kept = _kept(count, alone * count if single else identities, number, notes)
        plans.append(_Plan(index, len(kept), partial(_heads, pieces, kept, prompt)))
    return plans, [*notes, *["the mask was resized to the picture"] * resized]


def _searched(
    images: Sequence[Tensor],
    found: DetectedFaces,
    identities: Sequence[Identity | None],
    config: ComposeConfig,
    prompt: str,
    parts: str,
    find: Find | None,
    target: Callable[[FaceAttributes], TargetFace] | None,
) -> tuple[list[_Plan], list[str]]:
    plans, notes = [], []
    people = {one.name: one for one in identities if one is not None}
    wanted = wanted_parts(parts, tuple(people))
    if wanted:
        check_not_mixed(identities, "parts are given")
    everybody = [face for faces in found.faces for face in faces if face.score > 0]
    if everybody:
        require_found([*(one.part for one in wanted), *mixed_parts(identities)], everybody)
    named = bool(wanted) and all(one.person for one in wanted)
    pairs = pair(len(images), found.faces, "searched pictures", ImageError)
    for number, (index, at) in enumerate(pairs, start=1):
        # A face of score 0 stands for an image without one.
        seen = [face for face in found.faces[at] if face.score > 0]
        if not seen:
            notes.append(f"picture {number}: no face was found, it stays as it is")
        size = size_of(images[index]) if seen else None
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

        kept = _kept(len(seen), () if named else identities, number, notes)
        draw = partial(_whole, seen, kept, config, prompt, find, target)
        if wanted:
            draw = partial(_parts, seen, kept, wanted, people, config, prompt)
        count = 0
        for k, identity in kept.items():
            asked = wanted or [WantedPart(part) for part in mixed_parts([identity])]
            there = [one for one, _ in shown_parts(seen[k], asked)]
            missing = [one.part for one in asked if one not in there]
            if missing:
                notes.append(f"picture {number}, face {k + 1}: no {', no '.join(missing)} found")
            count += len(there) + (not wanted)
        plans.append(_Plan(index, count, draw))
    return plans, notes


def _heads(
    draw: Callable[[Size], list[TargetFace]],
    kept: Mapping[int, Identity | None],
    prompt: str,
    size: Size,
) -> list[TargetFace]:
    """Of the targets that `draw` gives those to paint, by number, as whom."""
    drawn = draw(size) if kept else []
    return [
        replace(drawn[k], identity=identity, prompt=prompt_for(prompt, k))
        for k, identity in kept.items()
    ]


def _whole(
    seen: Sequence[FaceAttributes],
    kept: Mapping[int, Identity | None],
    config: ComposeConfig,
    prompt: str,
    find: Find | None,
    target: Callable[[FaceAttributes], TargetFace] | None,
    _: Size,
) -> list[TargetFace]:
    """The heads of the faces to paint, each with the parts that are other people's; or what
    `target` makes of the faces."""
    if target is not None:
        return [
            replace(target(seen[k]), identity=identity, prompt=prompt_for(prompt, k))
            for k, identity in kept.items()
        ]
    return [
        one
        for k, identity in kept.items()
        for one in mixed_faces(seen[k], identity, config, prompt_for(prompt, k), find)
    ]


def _parts(
    seen: Sequence[FaceAttributes],
    kept: Mapping[int, Identity | None],
    wanted: Sequence[WantedPart],
    people: Mapping[str, Identity],
    config: ComposeConfig,
    prompt: str,
    _: Size,
) -> list[TargetFace]:
    """The wanted parts of the faces to paint, face by face."""
    return [
        target
        for k, identity in kept.items()
        for target in part_faces(seen[k], wanted, identity, people, config, prompt_for(prompt, k))
    ]


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
