"""A damaged photo repaired as the person in it: painted from what is left, and held to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..backbone import Backbone
from ..composing import (
    ComposeConfig,
    Crop,
    Revision,
    TargetFace,
    compose_identity,
    crop_mask,
)
from ..composing.sampler import OnPaint
from ..types import Composition
from .config import RestoreConfig
from .degrade import Damage
from .estimate import estimate_damage
from .evidence import Evidence, held_image, held_latent


@dataclass(frozen=True, eq=False)
class Restored:
    """What was made of a photo. Of each face that was painted, in their order: how the crop was
    damaged, and the PSNR in dB of the result, damaged alike, with the photo."""

    composition: Composition
    damages: tuple[Damage, ...]
    consistency: tuple[float, ...]


def restore_faces(
    image: Tensor,
    faces: Sequence[TargetFace],
    backbone: Backbone,
    config: RestoreConfig | None = None,
    painting: ComposeConfig | None = None,
    damage: Damage | None = None,
    on_step: OnPaint | None = None,
) -> Restored:
    """Repaints the faces of photo (1, 3, H, W) as their identities, from what is left of them.

    `damage` is what happened to the crop of each face; None = estimated from it. Of `painting`
    denoise, colour_match and second_pass are the restoration's own. Outside the masks no pixel
    changes. Raises as `compose_identity` does.
    """
    config = config or RestoreConfig()
    # Colours inside are known: matching them at the rim would move them.
    painting = replace(
        painting or ComposeConfig(), denoise=config.strength, colour_match=0.0, second_pass=0.0
    )
    known: list[Evidence] = []

    def revise(_: TargetFace, crop: Crop) -> Revision:
        native = max(crop.plan.size)
        found = damage or estimate_damage(image, crop.plan.box, native)
        evidence = Evidence.of(crop.image, found)
        known.append(evidence)
        return Revision(
            lambda clean: held_latent(clean, evidence, backbone, config.fidelity)
            if config.fidelity else clean,
            lambda made: held_image(made, evidence, config.fidelity),
        )  # fmt: skip

    made = compose_identity(image, faces, backbone, painting, on_step=on_step, revise=revise)
    masks = _masks(made)
    return Restored(
        made,
        tuple(evidence.damage for evidence in known),
        tuple(
            evidence.consistency(patch, mask)
            for evidence, patch, mask in zip(known, made.patches, masks, strict=True)
        ),
    )


def _masks(made: Composition) -> list[Tensor]:
    """What was repainted, as each crop shows it."""
    return [(crop_mask(made.mask, plan) > 0).to(torch.float32) for plan in made.plans]
