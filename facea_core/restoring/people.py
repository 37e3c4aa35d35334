"""Who is who in a damaged photo, where a face says too little to an identity encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from ..composing import Crop, TargetFace, crop_image, crop_mask, plan_crop
from ..io.images import EDGE
from ..types import BackboneSpec, Identity
from .config import RestoreConfig
from .evidence import Evidence
from .repair import DamagedPhoto

NOBODY = -0.25
"""Below this advantage a face is nobody's: learned people of facea-tiny are above it in photos of
themselves, strangers mostly below."""

ERRORS = (
    "who is who, told by the model, errs: of painted people 5 in 100 are missed and 11 in 100 "
    "strangers taken for somebody; with photographs nobody has measured it"
)
"""Of 24 people and 72 strangers, each damaged mildly, middling, severely and as old photos are."""

Know = Callable[[Crop, Evidence, Identity], float]
"""How much better a model knows a crop with the identity than without: `advantage`."""


def who_is_who(
    photo: DamagedPhoto,
    faces: Sequence[TargetFace],
    identities: Sequence[Identity],
    know: Know,
    spec: BackboneSpec,
    context_factor: float,
) -> tuple[list[TargetFace], list[str]]:
    """The faces of a photo that are these people's, each with its identity, and notes on all.

    Each identity has one face at most, so that all together the models know the faces best; a face
    whose best advantage is `NOBODY` or less is left out.
    """
    from scipy.optimize import linear_sum_assignment

    drawn = [face for face in faces if (face.mask >= EDGE).any()]
    known = torch.zeros(len(drawn), len(identities))
    for row, face in enumerate(drawn):
        plan = plan_crop(face.mask, spec, context_factor)
        crop = Crop(crop_image(photo.large, plan), crop_mask(face.mask, plan), plan)
        repair = photo.repair(crop, RestoreConfig())
        for column, identity in enumerate(identities):
            known[row, column] = know(repair.crop, repair.evidence, identity)
    # A stranger's face has no say in who the others are.
    rows, columns = linear_sum_assignment(known.clamp(min=NOBODY).numpy(), maximize=True)
    people = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    theirs, notes = [], []
    for row, face in enumerate(drawn):
        column = people.get(row)
        best = float(known[row].max())
        if column is not None and known[row, column] > NOBODY:
            identity = identities[column]
            theirs.append(replace(face, identity=identity))
            notes.append(f"face {row + 1} is {identity.name}'s ({known[row, column]:+.2f})")
        else:
            notes.append(f"face {row + 1} left alone: it is nobody's that was given ({best:+.2f})")
    return theirs, [*notes, *([ERRORS] if notes else [])]
