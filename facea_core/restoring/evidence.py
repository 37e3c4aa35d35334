"""What a damaged photo says of the picture it once was, and a painting held to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..io.images import luma_of
from ..types import Size
from .degrade import Damage, damp
from .jpeg import error_of

_DOUBT = 3.0, 1.0
"""Deviations of noise and JPEG within which a difference says nothing, at fidelity 0 and at 1: with
none at all the noise would be painted, and a likeness gone."""

_COARSEST, _COARSE = 4, 16
"""So many of the coarsest waves along a side are the photo's own: the first always, for a face must
not have another light than its surroundings; those up to the second as `held_image` says."""

_CLEAR, _DIM = 0.7, 0.5
"""Shares of its detail that a photo shows: from the first on its coarse waves are what they were;
at the second and below they are too faint, and full of noise, to be more than a hint."""

_SCRATCH = 0.02
"""Share of a pixel that may be scratched."""

_FAINT = 0.05
"""Where less than this is known around a place, its coarse colours hardly change."""

_TIMES = 5
"""Back-projections of a finished picture."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a damaged crop `shown (1, 3, H, W)` says of the clean picture, and how it came about.

    `small (1, 3, h, w)` is the crop at the size at which it still says something, `known
    (1, 1, h, w)` in [0, 1] where it does: not in scratches. `colours (1, 3, H, W)` is what coarse
    colours are taken from.
    """

    shown: Tensor
    small: Tensor
    known: Tensor
    colours: Tensor
    damage: Damage

    @property
    def size(self) -> Size:
        return self.shown.shape[-2], self.shown.shape[-1]

    @classmethod
    def of(
        cls, crop: Tensor, damage: Damage, lost: Tensor | None = None, cleaned: Tensor | None = None
    ) -> Evidence:
        """Of a crop `(1, 3, H, W)` as the model is shown it: enlarged, if it was small.

        `lost (1, 1, H, W)` is 1 in scratches; `cleaned (1, 3, H, W)` is the crop as another program
        has repaired it: colours are taken from there, nothing else.
        """
        shrunk = Damage(scale=damage.scale)
        unknown = torch.zeros_like(crop) if lost is None else lost.expand_as(crop)
        # A pixel in which a scratch shows says nothing: nor does what a blur draws from one.
        known = (damp(unknown, replace(shrunk, blur=damage.blur)) < _SCRATCH)[:, :1].to(crop)
        colours = crop if cleaned is None else cleaned
        return cls(crop, damp(crop, shrunk), known, colours, damage)

    def lacking(self, image: Tensor, fidelity: float) -> Tensor:
        """What images `(B, 3, H, W)` lack to be this photo once they are damaged alike.

        Nothing where that may be the photo's noise or JPEG (DDNM, 2212.00490, for A known).
        """
        apart = self._apart(image)
        free, bound = _DOUBT
        doubt = (free + fidelity * (bound - free)) * error_of(self.damage) / 255
        sure = (apart.abs() - doubt).clamp(min=0)
        return F.interpolate(apart.sign() * sure, self.size, mode="bicubic")

    def again(self, image: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` damaged as the photo was, but for noise and JPEG: as `small`."""
        again = damp(image, self.damage)
        return luma_of(again).expand_as(again) if self.damage.grey else again

    def consistency(self, image: Tensor, mask: Tensor) -> float:
        """PSNR in dB of an image `(1, 3, H, W)`, damaged alike, with the photo where mask
        `(1, 1, H, W)` says; 99 where they are equal."""
        return min(99.0, -10 * math.log10(max(self.error(image, mask), 1e-10)))

    def error(self, image: Tensor, mask: Tensor) -> float:
        """The mean square difference of the same."""
        weight = F.interpolate(mask, self.small.shape[-2:], mode="area").to(image)
        apart = (self._apart(image).square() * weight).sum()
        return float(apart / (3 * (weight * self.known.to(image)).sum()).clamp(min=1e-6))

    def coarse(self, image: Tensor, waves: int) -> Tensor:
        """What images `(B, 3, H, W)` lack to have the colours that are known, of so many waves."""
        levels = max(1, round(math.log2(min(self.size) / waves)))
        known = F.interpolate(self.known, self.size, mode="nearest")
        apart = low_band((self.colours.to(image) - image) * known, levels)
        return apart / low_band(known, levels).clamp(min=_FAINT)

    def _apart(self, image: Tensor) -> Tensor:
        again = self.again(image)
        small = self.small.to(again)
        if self.damage.grey:
            small = luma_of(small).expand_as(small)
        return (small - again) * self.known.to(again)


def held_image(
    image: Tensor,
    evidence: Evidence,
    fidelity: float,
    detail: float = 0.0,
    *,
    colourise: bool = False,
) -> Tensor:
    """Painted images `(B, 3, H, W)` projected onto what the photo says, coarse colours first: these
    by `fidelity`, but wholly where the photo shows most of its `detail`. A grey photo stays grey,
    unless it is to be given colours."""
    clear = min(max((detail - _DIM) / (_CLEAR - _DIM), 0.0), 1.0)
    grey = evidence.damage.grey
    for waves, share in ((_COARSEST, 1.0), (_COARSE, fidelity + (1 - fidelity) * clear)):
        apart = share * evidence.coarse(image, waves)
        image = (image + (luma_of(apart) if grey else apart)).clamp(0, 1)
    for _ in range(_TIMES if fidelity else 0):
        image = (image + fidelity * evidence.lacking(image, fidelity)).clamp(0, 1)
    return luma_of(image).expand_as(image).contiguous() if grey and not colourise else image


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
