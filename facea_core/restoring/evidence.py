"""What a damaged photo says of the picture it once was, and a painting held to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..backbone import Backbone
from ..io.images import luma_of
from ..types import Size
from .degrade import Damage, damp, enlarged

_CERTAIN = 2.0
"""Deviations of the noise within which a difference says nothing."""

_COARSE = 16
"""So many of the coarsest waves along a side are the photo's own."""

_TIMES = 3
"""Back-projections of a finished picture."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A damaged crop `small (1, 3, h, w)`, at the size at which it still says something, and how it
    came about from the clean one of `size` (H, W)."""

    small: Tensor
    damage: Damage
    size: Size

    @classmethod
    def of(cls, crop: Tensor, damage: Damage) -> Evidence:
        """Of a crop `(1, 3, H, W)` as the model is shown it: enlarged, if it was small."""
        size = crop.shape[-2], crop.shape[-1]
        return cls(damp(crop, Damage(scale=damage.scale)), damage, size)

    def lacking(self, image: Tensor) -> Tensor:
        """What images `(B, 3, H, W)` lack to be this photo once they are damaged alike.

        Nothing where the difference may be the photo's noise (DDNM, 2212.00490, for A known).
        """
        again = self._again(image)
        apart = self.small.to(again) - again
        sure = (apart.abs() - _CERTAIN * self.damage.noise / 255).clamp(min=0)
        return F.interpolate(apart.sign() * sure, self.size, mode="bicubic")

    def _again(self, image: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` damaged as the photo was, but for noise and JPEG."""
        again = damp(image, self.damage)
        return luma_of(again).expand_as(again) if self.damage.grey else again

    def consistency(self, image: Tensor, mask: Tensor) -> float:
        """PSNR in dB of an image `(1, 3, H, W)`, damaged alike, with the photo where mask
        `(1, 1, H, W)` says; 99 where they are equal."""
        again = self._again(image)
        weight = F.interpolate(mask, again.shape[-2:], mode="area")
        error = ((self.small - again).square() * weight).sum() / (3 * weight.sum()).clamp(min=1e-6)
        return min(99.0, float(-10 * torch.log10(error.clamp(min=1e-10))))


def held_latent(clean: Tensor, evidence: Evidence, backbone: Backbone, fidelity: float) -> Tensor:
    """Clean latents `(B, C, h, w)` moved towards what the photo says, `fidelity` of the way.

    Only the change is encoded, so that the autoencoder's own loss is not added at each step.
    """
    image = backbone.decode(clean)
    wanted = (image + fidelity * evidence.lacking(image).to(image)).clamp(0, 1)
    before, after = (backbone.encode_image(one).sample().float() for one in (image, wanted))
    return clean + (after - before)


def held_image(image: Tensor, evidence: Evidence, fidelity: float) -> Tensor:
    """Painted images `(B, 3, H, W)` projected onto what the photo says; its coarse colours are the
    photo's, for those are known."""
    for _ in range(_TIMES if fidelity else 0):
        image = (image + fidelity * evidence.lacking(image)).clamp(0, 1)
    photo = enlarged(evidence.small, evidence.size)
    levels = max(1, round(math.log2(min(evidence.size) / _COARSE)))
    image = (image + low_band(photo, levels) - low_band(image, levels)).clamp(0, 1)
    return luma_of(image).expand_as(image).contiguous() if evidence.damage.grey else image


def low_band(image: Tensor, levels: int) -> Tensor:
    """The low frequencies of `(B, C, H, W)`: an à-trous transform with the binomial 1 2 1, each
    level twice as coarse as the one before."""
    channels = image.shape[1]
    kernel = image.new_tensor([0.25, 0.5, 0.25])
    for level in range(levels):
        reach = min(2**level, min(image.shape[-2:]) - 1)
        padded = F.pad(image, (reach,) * 4, mode="reflect")
        for shape in ((1, 3), (3, 1)):
            weight = kernel.view(1, 1, *shape).expand(channels, 1, *shape)
            padded = F.conv2d(padded, weight, groups=channels, dilation=reach)
        image = padded
    return image
