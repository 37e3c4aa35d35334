"""A face of several people: the head is painted as one of them, then the parts of the others.

The head moves eyes and mouth to where its own person has them, so each part is looked for again
before it is painted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from ..errors import ConfigError
from ..types import FaceAttributes, Identity
from .config import ComposeConfig
from .faces import TargetFace
from .masks import face_mask
from .parts import ORDER, WantedPart, part_faces, shown_parts

Find = Callable[[Tensor, FaceAttributes], FaceAttributes]
"""(picture (1, 3, H, W), a face that was in it) -> the face in its place now, with its parts."""


def mixed_parts(identities: Sequence[Identity | None]) -> tuple[str, ...]:
    """The parts that any of these people have of others, in the order in which to paint them."""
    named = {part for one in identities if one is not None for part in one.parts}
    return tuple(part for part in ORDER if part in named)


def check_not_mixed(identities: Sequence[Identity | None], what: str) -> None:
    """Raise ConfigError for a mix by parts beside `what`, which leaves no room for it."""
    if mixed := next((one for one in identities if one is not None and one.parts), None):
        raise ConfigError(
            f"{mixed.name} is a mix by parts, which needs a detected face, and {what}; leave that "
            "away, or mix by shares: ada: 0.5, ben: 0.5"
        )


def mixed_faces(
    face: FaceAttributes,
    identity: Identity | None,
    config: ComposeConfig,
    prompt: str = "",
    find: Find | None = None,
) -> list[TargetFace]:
    """The targets that make this face the identity's: its head, then each part of another.

    Without `find` the parts are painted where `face` has them. Parts that it lacks are left out.
    """
    head = TargetFace(face_mask(face, config), identity, prompt)
    if identity is None or not identity.parts:
        return [head]
    others = {one.name: one for one in identity.parts.values()}
    wanted = [WantedPart(part, identity.parts[part].name) for part in mixed_parts([identity])]
    shown = [one for one, _ in shown_parts(face, wanted)]
    targets = part_faces(face, shown, None, others, config, prompt)
    if find is not None:
        targets = [
            replace(target, place=partial(_mask_now, one, face, others, config, find))
            for one, target in zip(shown, targets, strict=True)
        ]
    return [head, *targets]


def _mask_now(
    wanted: WantedPart,
    face: FaceAttributes,
    others: Mapping[str, Identity],
    config: ComposeConfig,
    find: Find,
    picture: Tensor,
) -> Tensor:
    """The mask of a part where it is in the picture by now; where it was if nobody can tell."""
    now = find(picture, face)
    seen = now if shown_parts(now, [wanted]) else face
    (target,) = part_faces(seen, [wanted], None, others, config)
    return target.mask
