"""What is known of a damaged photo, and of each face in it, for whoever paints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..composing import Crop, TargetFace, crop_image, crop_mask, filled, fitted, plan_crop
from ..io.images import EDGE, luma_of, resize
from ..masks import window
from ..seeds import seeded
from ..types import BackboneSpec, CropPlan, Size
from .config import FREE, RestoreConfig
from .degrade import Damage, enlarged
from .detail import detail_left, strength_for
from .estimate import estimate_damage
from .evidence import Evidence, held_image


@dataclass(frozen=True, eq=False)
class DamagedPhoto:
    """A photo `(1, 3, H, W)`, to be repaired at `scale` times its size, and what is known of it.

    `scale` is that of the `RestoreConfig`. `damage` is what happened to the crop of each face; None
    = estimated. `scratches (1, 1, H, W)` is 1 where the photo shows nothing of the picture.
    `cleaned (1, 3, h, w)`, of any size, is the photo as another program has repaired it: painting
    starts from there, and takes its colours.
    """

    image: Tensor
    _: KW_ONLY
    scale: int = 1
    damage: Damage | None = None
    scratches: Tensor | None = None
    cleaned: Tensor | None = None

    @cached_property
    def large(self) -> Tensor:
        """The photo at the size of the result."""
        return self.image if self.scale == 1 else enlarged(self.image, self._size)

    def target(self, face: TargetFace, spec: BackboneSpec, context_factor: float) -> TargetFace:
        """A face of the photo at the size of the result, with the scratches about it."""
        face = replace(face, mask=fitted(face.mask, self._size))
        scratched = self._scratched
        if scratched is None or not (face.mask >= EDGE).any():
            return face
        near = torch.zeros_like(face.mask)
        box = plan_crop(face.mask, spec, context_factor).box
        window(box, 0, near).copy_(window(box, 0, scratched))
        return replace(face, mask=torch.maximum(face.mask, near), around=face.mask)

    def damage_of(self, plan: CropPlan) -> Damage:
        """What happened to what the model is shown of a face."""
        if self.damage is not None:
            return self.damage
        part, native = 1 / self.scale, max(plan.size)
        box = plan.box.scale(part, part)
        found = estimate_damage(self.image, box, native)
        # What is shown smaller than it is loses noise: a pixel is the mean of several.
        shrunk = min(native / max(box.width, box.height, 1), 1.0)
        return replace(found, noise=found.noise * shrunk)

    def worse(
        self,
        faces: Sequence[TargetFace],
        spec: BackboneSpec,
        context_factor: float,
        config: RestoreConfig,
    ) -> tuple[list[TargetFace], list[str]]:
        """The faces that show no more than `config.only_worse_than` of their detail, and notes on
        those that are left alone."""
        if config.only_worse_than == 1:
            return list(faces), []
        worse, notes = [], []
        for number, face in enumerate(faces, start=1):
            detail = 0.0
            if (face.mask >= EDGE).any():
                plan = plan_crop(face.mask, spec, context_factor)
                detail = detail_left(self.damage_of(plan), max(plan.size))
            if detail > config.only_worse_than:
                notes.append(f"face {number} left alone: it shows {detail:.2f} of its detail")
            else:
                worse.append(face)
        return worse, notes

    def repair(self, crop: Crop, config: RestoreConfig) -> Repair:
        """How a face is repaired of which the model is shown this crop of `large`."""
        damage, plan = self.damage_of(crop.plan), crop.plan
        lost = cleaned = None
        start = crop.image
        if self._scratched is not None:
            lost = (crop_mask(self._scratched, plan) > 0).to(crop.image)
            start = torch.where(lost > 0, filled(start * (1 - lost), 1 - lost), start)
        if self.cleaned is not None:
            cleaned = crop_image(resize(self.cleaned, self._size), plan)
            start = torch.where(crop.mask >= EDGE, cleaned, crop.image)
        detail = detail_left(damage, max(plan.size))
        return Repair(
            replace(crop, image=start), Evidence.of(crop.image, damage, lost, cleaned), detail,
            config.strength or strength_for(detail), config,
        )  # fmt: skip

    @property
    def _size(self) -> Size:
        height, width = self.image.shape[-2:]
        return height * self.scale, width * self.scale

    @cached_property
    def _scratched(self) -> Tensor | None:
        return None if self.scratches is None else fitted(self.scratches, self._size)


@dataclass(frozen=True, eq=False)
class Repair:
    """How one face is repaired: the model is shown `crop` and paints with `strength`, the denoising
    strength; `detail` in [0, 1] is the share of its detail that the photo still shows."""

    crop: Crop
    evidence: Evidence
    detail: float
    strength: float
    config: RestoreConfig

    def image(self, made: Tensor) -> Tensor:
        """Of painted crops `(B, 3, s, s)` what is put into the photo."""
        made = held_image(
            made, self.evidence, self.config.fidelity, self.detail,
            colourise=self.config.colour == FREE,
        )  # fmt: skip
        if self.config.grain:
            made = (made + self.config.grain * self._grain).clamp(0, 1)
        return made

    @property
    def _grain(self) -> Tensor:
        """Noise such as the photo's, `(1, 3, s, s)`."""
        small = self.evidence.small
        noise = torch.randn(small.shape, generator=seeded(0)) * (self.evidence.damage.noise / 255)
        grain = F.interpolate(noise, self.evidence.size, mode="bicubic")
        return luma_of(grain) if self.evidence.damage.grey else grain

    def strip(self, made: Tensor) -> Tensor:
        """Photo, repaired, and repaired and damaged again, side by side: `(1, 3, s, 3 s)`."""
        again = enlarged(self.evidence.again(made), self.evidence.size)
        return torch.cat([self.evidence.shown, made, again], dim=-1)
