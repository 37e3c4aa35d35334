"""A damaged photo repaired as the person in it: painted from what is left, and held to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from ..backbone import Backbone
from ..composing import (
    ComposeConfig,
    Crop,
    OnPaint,
    Rank,
    Revise,
    Revision,
    TargetFace,
    compose_identity,
    crop_mask,
)
from ..types import BackboneSpec, Composition
from .config import RestoreConfig
from .degrade import Damage
from .repair import DamagedPhoto, Repair

_TOO_LARGE = 1.5
"""Sides of what is painted, in those of the model, at which a repaired face is less sharp than the
photo could be."""

Paint = Callable[[Tensor, Sequence[TargetFace], ComposeConfig, Rank | None, Revise], Composition]
"""(image (1, 3, H, W), its faces, how, ranks candidates, holds each face) -> it with them painted.
"""


@dataclass(frozen=True)
class RestoredFace:
    """What was done to a face, and how near the result is to the photo.

    `detail` in [0, 1] is the share of its detail that the photo still showed: the rest is the
    person's. `strength` is the denoising strength, `consistency` the PSNR in dB of the result,
    damaged alike, with the photo. `likeness` to the person's photos, a cosine, is that of the photo
    and that of the result; none without photos.
    """

    damage: Damage
    detail: float
    strength: float
    consistency: float
    likeness: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Restored:
    """A repaired photo: what was painted, what is to be told of each face of it, in their order,
    and `strips (1, 3, s, 3 s)`: photo, repaired, and repaired and damaged again."""

    composition: Composition
    faces: tuple[RestoredFace, ...]
    strips: tuple[Tensor, ...]


def restore_faces(
    photo: DamagedPhoto,
    faces: Sequence[TargetFace],
    backbone: Backbone,
    config: RestoreConfig | None = None,
    painting: ComposeConfig | None = None,
    on_step: OnPaint | None = None,
    rank: Rank | None = None,
) -> Restored:
    """Repaints faces of a photo as their identities, from what is left of them.

    Masks of the faces are in the frame of the photo; the result is `config.scale` times as large.
    A face that shows more than `config.only_worse_than` of its detail stays as it is, and a note
    says so. Of `painting` denoise, colour_match and second_pass are the restoration's own; of its
    candidates the one is kept that `rank` likes and that the photo agrees with. Outside the masks
    no pixel changes. Raises as `compose_identity` does.
    """

    def paint(
        image: Tensor, some: Sequence[TargetFace], how: ComposeConfig, best: Rank | None,
        revise: Revise,
    ) -> Composition:  # fmt: skip
        return compose_identity(
            image, some, backbone, how, on_step=on_step, rank=best, revise=revise
        )

    return restore_photo(
        photo, faces, paint, backbone.spec, config or RestoreConfig(),
        painting or ComposeConfig(), rank,
    )  # fmt: skip


def restore_photo(
    photo: DamagedPhoto,
    faces: Sequence[TargetFace],
    paint: Paint,
    spec: BackboneSpec,
    config: RestoreConfig,
    painting: ComposeConfig,
    rank: Rank | None = None,
) -> Restored:
    """As `restore_faces`, painted by `paint`."""
    # Colours inside are known: matching them at the rim would move them.
    painting = replace(painting, denoise=1.0, colour_match=0.0, second_pass=0.0)
    photo = replace(photo, scale=config.scale)
    targets = [photo.target(face, spec, painting.context_factor) for face in faces]
    worse, notes = photo.worse(targets, spec, painting.context_factor, config)
    repairs: list[tuple[TargetFace, Repair]] = []

    def revise(face: TargetFace, crop: Crop) -> Revision:
        repair = photo.repair(crop, config)
        repairs.append((face, repair))
        return Revision(repair.crop, repair.strength, repair.image)

    best = None if painting.candidates == 1 else best_of(repairs, rank)
    made = paint(photo.large, worse, painting, best, revise)
    notes += [
        f"face {number}: {plan.box.width // config.scale} pixels of the photo were painted on "
        f"{max(plan.size)}, "
        "and fine detail is gone; shrink the photo, or use a model that paints larger"
        for number, plan in enumerate(made.plans, start=1)
        if plan.box.width > _TOO_LARGE * config.scale * max(plan.size)
    ]
    return _told(replace(made, notes=(*notes, *made.notes)), repairs, rank)


def best_of(repairs: Sequence[tuple[TargetFace, Repair]], like: Rank | None) -> Rank:
    """Ranks the candidates of the face that is repaired last in the list: by likeness, where it is
    known, and consistency; 10 dB count as 0.1."""

    def rank(face: TargetFace, patch: Tensor) -> float:
        _, repair = repairs[-1]
        alike = like(face, patch) if like else None
        return (alike or 0.0) + repair.evidence.consistency(patch, repair.crop.mask) / 100

    return rank


def _told(
    made: Composition, repairs: Sequence[tuple[TargetFace, Repair]], like: Rank | None = None
) -> Restored:
    """What is to be told of a painting and of how each of its faces was repaired."""
    faces, strips = [], []
    for (face, repair), patch, plan in zip(repairs, made.patches, made.plans, strict=True):
        mask = (crop_mask(made.mask, plan) > 0).to(patch)
        alike = [like(face, one) for one in (repair.evidence.shown, patch)] if like else []
        faces.append(
            RestoredFace(
                repair.evidence.damage, repair.detail, repair.strength,
                repair.evidence.consistency(patch, mask),
                tuple(value for value in alike if value is not None),
            )
        )  # fmt: skip
        strips.append(repair.strip(patch))
    return Restored(made, tuple(faces), tuple(strips))


def restored_figures(made: Restored) -> dict[str, Any]:
    """What was done to a photo, as plain values."""
    faces = [
        {
            "crop": list(plan.box), "damage": asdict(face.damage),
            "detail": round(face.detail, 3), "strength": round(face.strength, 3),
            "consistency": round(face.consistency, 2),
            "likeness": [round(value, 3) for value in face.likeness],
        }
        for face, plan in zip(made.faces, made.composition.plans, strict=True)
    ]  # fmt: skip
    return {"faces": faces, "candidates": [asdict(one) for one in made.composition.choices]}
