"""Only some parts of a face repainted: what `parts` says, and the masks and prompts of it.

"nose, mouth" are those of the person that the face becomes; "eyes:ada, mouth:ben" each of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ConfigError, quoted
from ..identity.words import part_prompt
from ..masks import part_mask
from ..types import Box, FaceAttributes, Identity, Part
from .chosen import HEAD, part_names, part_of
from .config import ComposeConfig
from .faces import TargetFace
from .masks import face_mask

ORDER = ("face", "hair", "ears", "eyebrows", "eyes", "nose", "mouth", "beard", "glasses")
"""Large before small, and what lies upon others last: each is painted onto those before it."""


@dataclass(frozen=True)
class WantedPart:
    """A part to repaint, and the name of the person whose it becomes; "" = the face's own."""

    part: str
    person: str = ""


def wanted_parts(text: str, persons: Sequence[str] = ()) -> tuple[WantedPart, ...]:
    """The parts of a comma list, each perhaps with `:person`, in the order in which to paint them.

    Empty = none, which means the whole head. Raises ConfigError for an unknown part, one given
    twice, and a person that is not among `persons`.
    """
    wanted = []
    for item in (item.strip() for item in text.split(",") if item.strip()):
        part, colon, person = (piece.strip() for piece in item.partition(":"))
        names = part_names(part) if part else ()
        if not names or HEAD in names:
            raise ConfigError(
                f"parts has {quoted(item)}; give a part such as nose or nose:ada. For the whole "
                "head leave parts empty"
            )
        if colon and person not in persons:
            known = ", ".join(persons) or "none"
            raise ConfigError(
                f"parts wants the {names[0]} of {quoted(person)}, who is not wired (wired: "
                f"{known}); give the name that the identity was learned by"
            )
        wanted += [WantedPart(name, person) for name in names]
    names = [one.part for one in wanted]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"parts has {quoted(twice)} more than once; give each part once")
    return tuple(sorted(wanted, key=lambda one: ORDER.index(one.part)))


def shown_parts(
    face: FaceAttributes, wanted: Sequence[WantedPart]
) -> tuple[tuple[WantedPart, Part], ...]:
    """Those that were found in this face, in their order."""
    found = [(one, part_of(face, one.part)) for one in wanted]
    return tuple((one, part) for one, part in found if part is not None)


def part_faces(
    face: FaceAttributes,
    wanted: Sequence[WantedPart],
    identity: Identity | None,
    others: Mapping[str, Identity],
    config: ComposeConfig,
    prompt: str = "",
) -> list[TargetFace]:
    """One target for each wanted part that the face shows, in the order of `wanted`.

    The model sees the square about the whole head, as when it learned the part. `config.grow` and
    `config.feather` are shares of the longer side of the part here. `others` are those that
    `wanted` names.
    """
    head = face_mask(face, config)
    targets = []
    for one, part in shown_parts(face, wanted):
        person = others[one.person] if one.person else identity
        mask = _mask(part, face, person, config)
        said = prompt if person is None else part_prompt(person, one.part, prompt)
        targets.append(TargetFace(mask, person, said, torch.maximum(head, mask)))
    return targets


def _mask(
    part: Part, face: FaceAttributes, person: Identity | None, config: ComposeConfig
) -> Tensor:
    """Where the part is, and where the person's own will lie if it is larger."""
    mask = part_mask(part, face.size, grow=config.grow, feather=config.feather)
    sizes = {} if person is None else person.meta.part_sizes
    wide = sizes.get(f"{part.attribute}.width", 0.0) * face.face.width / max(part.box.width, 1)
    high = sizes.get(f"{part.attribute}.height", 0.0) * face.face.height / max(part.box.height, 1)
    if part.mask is not None or max(wide, high) <= 1:
        return mask
    larger = _stretched(part, max(wide, 1.0), max(high, 1.0))
    by = _longer(part.box) / _longer(larger.box)  # as many pixels beyond it
    room = part_mask(larger, face.size, grow=by * config.grow, feather=by * config.feather)
    return torch.maximum(mask, room)


def _longer(box: Box) -> int:
    return max(box.width, box.height)


def _stretched(part: Part, wide: float, high: float) -> Part:
    """The part with its box and outlines stretched about its middle."""
    cx, cy = part.box.center
    box = Box(
        round(cx + (part.box.x0 - cx) * wide), round(cy + (part.box.y0 - cy) * high),
        round(cx + (part.box.x1 - cx) * wide), round(cy + (part.box.y1 - cy) * high),
    )  # fmt: skip
    outlines = tuple(
        tuple((cx + (x - cx) * wide, cy + (y - cy) * high) for x, y in outline)
        for outline in part.outlines
    )
    return replace(part, box=box, outlines=outlines)
