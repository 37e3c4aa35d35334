"""A mask of some parts of some faces, for anybody who repaints by masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..attributes import ATTRIBUTES, PRESETS, attribute_table
from ..errors import ConfigError, MaskError, NoFaceError, PartError
from ..masks import part_mask
from ..settings import check_text
from ..types import DetectedFaces, FaceAttributes, Part, Size
from .config import ComposeConfig
from .masks import face_mask

HEAD, FACE = "head", "face"
"""What composing repaints, with hair and neck; and the face box, or the user's own mask of it."""


def part_names(text: str) -> tuple[str, ...]:
    """The parts of a comma list, "head" among them perhaps, each once, in their order.

    Raises ConfigError for an unknown part, or none.
    """
    check_text("parts", text)
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"parts is empty; give some of {HEAD}, {', '.join(ATTRIBUTES)}")
    if len(names) == 1 and names[0] in PRESETS:
        names = list(PRESETS[names[0]])
    known = [name for name in names if name != HEAD]
    if known:
        try:
            attribute_table(list(dict.fromkeys(known)))
        except ConfigError as error:
            raise ConfigError(f"parts: {error}, {HEAD}") from error
    return tuple(dict.fromkeys(names))


def chosen_masks(
    found: DetectedFaces,
    names: Sequence[str],
    wanted: Sequence[int] | None = None,
    *,
    grow: float = 0.0,
    feather: float = 0.0,
) -> tuple[list[Tensor], tuple[str, ...], list[str]]:
    """One soft mask (1, 1, H, W) per image of the parts `names`, all parts seen, and notes.

    `wanted` are the numbers of the faces, from 0; None = all. `grow` and `feather` are shares of
    the longer side of each part, as in `masks.part_mask`; of the face for "head". Where an image
    lacks a part, its mask lacks it too, and a note says so. Raises NoFaceError if no image has
    such a face, PartError for a part that none of them shows, MaskError for images of several
    sizes.
    """
    chosen = [_chosen(faces, wanted) for faces in found.faces]
    meant = [face for faces in chosen for face in faces]
    if not meant:
        which = "" if wanted is None else f" number {', '.join(map(str, wanted))} (from 0)"
        raise NoFaceError(
            f"there is no face{which} in any of the {len(chosen)} pictures; choose another number, "
            "or look at the preview of FaceA Attribute Detect"
        )
    seen = require_found(names, meant)
    size = _size(found)
    masks, notes = [], []
    for number, faces in enumerate(chosen, start=1):
        mask = torch.zeros(1, 1, *size)
        for face in faces:
            for name in names:
                if (one := _mask_of(face, name, grow, feather)) is not None:
                    mask = torch.maximum(mask, one)
        masks.append(mask)
        missing = [name for name in names if not any(_shows(face, name) for face in faces)]
        if missing:
            notes.append(f"picture {number}: no {', no '.join(missing)}, so the mask lacks it")
    return masks, seen, notes


def _chosen(faces: Sequence[FaceAttributes], wanted: Sequence[int] | None) -> list[FaceAttributes]:
    there = [face for face in faces if face.score > 0]
    if wanted is None:
        return there
    return [there[number] for number in wanted if number < len(there)]


def _size(found: DetectedFaces) -> Size:
    sizes = {face.size for faces in found.faces for face in faces}
    if len(sizes) > 1:
        raise MaskError(
            f"the pictures have {len(sizes)} different sizes, and masks of one batch have one; "
            "give the pictures one by one"
        )
    return sizes.pop()


def require_found(names: Sequence[str], faces: Sequence[FaceAttributes]) -> tuple[str, ...]:
    """All parts seen in these faces. Raises PartError for one of `names` that none shows."""
    seen = tuple(dict.fromkeys(name for face in faces for name in (HEAD, FACE, *face.attributes)))
    missing = [name for name in names if name not in seen]
    if missing:
        raise PartError(
            f"no {', no '.join(missing)} was found in any face (found: {', '.join(seen)}); ask "
            "for it in FaceA Attribute Detect's words (custom_words), choose other parts, or draw "
            "an own mask there"
        )
    return seen


def part_of(face: FaceAttributes, name: str) -> Part | None:
    """What was found; the part of `face` is the face box where nothing else is."""
    found = face.part(name)
    return Part(FACE, face.face, face.score) if found is None and name == FACE else found


def _shows(face: FaceAttributes, name: str) -> bool:
    return name == HEAD or part_of(face, name) is not None


def _mask_of(face: FaceAttributes, name: str, grow: float, feather: float) -> Tensor | None:
    if name == HEAD:
        return face_mask(face, ComposeConfig(grow=grow, feather=feather))
    part = part_of(face, name)
    return None if part is None else part_mask(part, face.size, grow=grow, feather=feather)
