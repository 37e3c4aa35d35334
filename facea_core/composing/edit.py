"""One attribute of a face changed by words, the person kept: which part it is about, where that
is repainted, and both prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..attributes import ATTRIBUTES
from ..detection.estimate import estimated_box, with_estimates
from ..errors import ConfigError, quoted
from ..masks import part_mask
from ..settings import check_text
from ..types import Box, FaceAttributes, Identity, Part
from .chosen import FACE, HEAD, part_names
from .config import ComposeConfig, EditConfig
from .faces import Edit, TargetFace
from .masks import face_mask

_ABOUT = {
    "beard": r"beard|mou?stache|goatee|stubble|facial hair|shave",
    "glasses": r"glasses|spectacles|sunglasses|eyewear",
    "eyebrows": r"eyebrow|brows",
    "eyes": r"eyes|eyed|eyelash|eyelid|wink|eyeliner|eye shadow",
    "nose": r"nose",
    "mouth": r"smil|grin|laugh|mouth|lips|lipstick|teeth|frown|pout",
    "ears": r"ears|earring",
    "hair": r"(?<!facial )hair|bald|blond|brunette|ponytail|bob\b|afro|curls|curly|bun\b|braid",
}
"""Part -> the beginnings of words by which a text is about it."""

_PLACES = {
    "mouth": ("mouth", 0.55, 0.25),
    "glasses": ("eyes", 0.83, 0.27),
}
"""Part -> the part in whose middle its region lies, and the region's width and height in those of
the face: a smile needs room beside the mouth, and glasses are wider than eyes."""

_PUT_ON = {"beard", "glasses"}
"""What may come where nothing was. A mouth gains nothing from room, and the person loses by it."""

_INNER = (0.12, 0.22, 0.12, 0.0)
"""What of the face box, from its sides inwards, is no place for hair."""


def edited_parts(text: str, parts: str = "", *, masked: bool = False) -> tuple[str, ...]:
    """The parts that an edit is about: those named, or those that its text speaks of.

    Raises ConfigError for an empty text and an unknown part; and for a text that speaks of no part,
    unless it is `masked`, so that a mask says where.
    """
    check_text("edit", text)
    check_text("parts", parts)
    if not text.strip():
        raise ConfigError("the edit is empty; say what to change: smiling, red hair, round glasses")
    if parts.strip():
        names = part_names(parts)
        if masked or HEAD in names or FACE in names:
            raise ConfigError(
                f"parts is {quoted(parts)}, and a mask says where to edit; give one of both"
                if masked else f"parts is {quoted(parts)}; an edit keeps the person, so name what "
                f"it changes: {', '.join(name for name in ATTRIBUTES if name != FACE)}"
            )  # fmt: skip
        return names
    names = tuple(
        name for name, words in _ABOUT.items() if re.search(rf"\b(?:{words})", text.lower())
    )
    if not names and not masked:
        raise ConfigError(
            f"nothing tells which part of the face {quoted(text)} is about; give parts, some of "
            f"{', '.join(_ABOUT)}, or draw a mask"
        )
    return names


def edit_target(face: FaceAttributes, parts: Sequence[str], config: ComposeConfig) -> TargetFace:
    """What of this face is repainted: the regions of the parts, seen with the whole head.

    Parts that were not found are taken where they usually are. `config.grow` and `config.feather`
    are shares of the longer side of each region.
    """
    masks = [_region(face, part, config) for part in parts]
    mask = torch.stack(masks).amax(dim=0)
    return TargetFace(mask, around=torch.maximum(face_mask(face, config), mask))


def edited(
    target: TargetFace, text: str, parts: Sequence[str], config: EditConfig | None = None
) -> TargetFace:
    """The target with the prompts of an edit: the person's, with the words for what changes in
    place of their own, and the one by which the model lays it out alone.

    Without an identity the model alone paints it.
    """
    config, person = config or EditConfig(), target.identity
    noun = "person" if person is None else person.meta.class_noun
    alone = f"a photo of a {noun}, {text.strip()}"
    target = replace(target, roomy=not _PUT_ON.isdisjoint(parts))
    if person is None:
        return replace(target, prompt=alone)
    edit = Edit(alone, config.amount, config.handover)
    return replace(target, prompt=_with(person, text.strip(), parts), edit=edit)


def _with(person: Identity, text: str, parts: Sequence[str]) -> str:
    """The person's own prompt, without words that say how a part looks by itself."""
    # A smile changes the mouth and not whose it is.
    gone = {
        f"embedding:{w.placeholder}" for w in person.words if w.attribute in {*parts} - {"mouth"}
    }
    kept = " ".join(word for word in person.meta.prompt.split() if word.strip(",.") not in gone)
    return f"{kept}, {text}"


def _region(face: FaceAttributes, part: str, config: ComposeConfig) -> Tensor:
    grow, feather = config.grow, config.feather
    centre, width, height = _PLACES.get(part, (part, 0.0, 0.0))
    found = with_estimates(face, [centre]).part(centre)
    if found is None:
        found = Part(part, estimated_box(face.face, centre), 0.0)
    if part == "hair":
        hair = part_mask(found, face.size, grow=grow / 2, feather=feather)
        return hair * (
            1 - part_mask(Part(FACE, _inner(face.face), 1.0), face.size, feather=feather)
        )
    if width and found.mask is None:
        cx, cy = found.box.center
        dx, dy = width * face.face.width / 2, height * face.face.height / 2
        box = Box(round(cx - dx), round(cy - dy), round(cx + dx), round(cy + dy))
        found = Part(part, box, found.score)
    return part_mask(found, face.size, grow=grow, feather=feather)


def _inner(face: Box) -> Box:
    left, top, right, bottom = _INNER
    return Box(
        round(face.x0 + left * face.width), round(face.y0 + top * face.height),
        round(face.x1 - right * face.width), round(face.y1 - bottom * face.height),
    )  # fmt: skip
