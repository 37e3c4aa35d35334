"""ControlNets while painting: hints of the whole picture, cropped for each face."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import torch
from torch import Tensor

from ..backbone import Backbone, Conditioning
from ..backbone.backbone import Residuals
from ..backbone.control import ControlNet
from ..errors import BackboneError, ConfigError, ImageError
from ..types import CropPlan, Size
from .solvers import Level
from .stitch import crop_alike

MOST = 2.0
"""Strength of a control."""

FORMATS = 0.02
"""How much the format of a hint may differ from its picture's, by rounding."""

Steer = Callable[[Tensor, Tensor, Conditioning], Residuals | None]
"""(noisy latent, timestep, what it is conditioned on) -> what the U-Net is to add."""


@dataclass(frozen=True, eq=False)
class Control:
    """A ControlNet and its hint `(1, 3, h, w)` in [0, 1], which shows the whole picture at any
    size.

    It is asked at the steps before which a share in [`start`, `end`) of all is done. Strength 0
    paints what no control paints. Raises ConfigError for numbers out of range, ImageError for a
    hint of another shape.
    """

    network: ControlNet
    hint: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if self.hint.ndim != 4 or self.hint.shape[:2] != (1, 3) or 0 in self.hint.shape:
            raise ImageError(
                f"a hint has the shape (1, 3, H, W), not {tuple(self.hint.shape)}; give one image"
            )
        if not 0 <= self.strength <= MOST:
            raise ConfigError(
                f"control strength is {self.strength}; give a number from 0 to {MOST}"
            )
        if not 0 <= self.start <= self.end <= 1:
            raise ConfigError(
                f"a control from {self.start} to {self.end} of the steps; give shares from 0 to 1, "
                "the end not before the start"
            )

    def cropped(self, plan: CropPlan) -> Control:
        """The same with the hint of this crop alone."""
        return replace(self, hint=crop_alike(self.hint.detach().cpu().float(), plan))


def check_controls(controls: Sequence[Control], family: str, size: Size) -> None:
    """Raise BackboneError for a network of another family, ImageError for a hint of another format
    than a picture of `size` (H, W)."""
    for one in controls:
        if one.network.family != family:
            raise BackboneError(
                f"the ControlNet is one of {one.network.family} and the model is {family}; give a "
                f"ControlNet of {family}"
            )
        height, width = one.hint.shape[2:]
        if abs(math.log(width / height * size[0] / size[1])) > FORMATS:
            raise ImageError(
                f"the hint is {width}x{height} and the picture {size[1]}x{size[0]}, another "
                "format; give a hint of the whole picture, at any size"
            )


def steering(
    backbone: Backbone, controls: Sequence[Control], levels: Sequence[Level]
) -> Steer | None:
    """All `controls`, whose hints are of the size that is painted, over the steps of `levels`.

    Several add up. The hints are embedded once. None = nothing to add at any step.
    """
    ready = [
        (one, one.network.embed(one.hint), _timesteps(one, levels[:-1]))
        for one in controls
        if one.strength > 0
    ]
    if not ready:
        return None

    def steer(latent: Tensor, timestep: Tensor, conditioning: Conditioning) -> Residuals | None:
        now = float(timestep[0])
        made = [
            one.network.residuals(
                latent, timestep, conditioning.context, backbone.added(latent, conditioning),
                embedded, one.strength,
            )
            for one, embedded, timesteps in ready
            if now in timesteps
        ]  # fmt: skip
        return reduce(add, made) if made else None

    return steer


def _timesteps(control: Control, levels: Sequence[Level]) -> set[float]:
    """Those at which it is asked, rounded as the U-Net is given them."""
    shares = ((i / len(levels), level.timestep) for i, level in enumerate(levels))
    return {float(torch.tensor(t)) for share, t in shares if control.start <= share < control.end}
