"""A face to paint, and what of its image the model is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ..types import CropPlan, Identity


@dataclass(frozen=True)
class Edit:
    """What the model alone lays out where a person is painted.

    While the timestep, of 1000, is above `handover`, the prediction is `amount` parts that of the
    model without the identity, by `prompt`, and the rest the identity's; from then on it is the
    identity's alone.
    """

    prompt: str
    amount: float = 1.0
    handover: int = 150


@dataclass(frozen=True, eq=False)
class TargetFace:
    """Where in an image to paint, whom, and by which prompt.

    `mask (1, 1, H, W)` in [0, 1], 1 = repaint; the identity None is the base model by
    itself; an empty prompt is the identity's own. `around (1, 1, H, W)` is what the model is shown
    the surroundings of; None = the mask. `place` tells the mask anew when it is this face's turn,
    of the picture (1, 3, H, W) with all before it painted; None = `mask` holds. `edit` changes
    something about the identity. `keep (1, 1, H, W)` is what lies in front of the face: 1 = never
    repainted. `roomy` lets the model repaint every latent pixel that the mask touches, and not only
    those that lie in it by half: what is new may be larger than what was there.
    """

    mask: Tensor
    identity: Identity | None = None
    prompt: str = ""
    around: Tensor | None = None
    place: Callable[[Tensor], Tensor] | None = None
    edit: Edit | None = None
    keep: Tensor | None = None
    roomy: bool = False


@dataclass(frozen=True, eq=False)
class Crop:
    """The square about a face at the model's size: `image (1, 3, s, s)`, `mask (1, 1, s, s)`, and
    where it lies."""

    image: Tensor
    mask: Tensor
    plan: CropPlan


@dataclass(frozen=True, eq=False)
class Revision:
    """How a crop is painted that has to agree with something known.

    The model is shown `crop` and paints with the denoising strength `denoise`; `image` makes of the
    painted images (B, 3, s, s) those that agree.
    """

    crop: Crop
    denoise: float
    image: Callable[[Tensor], Tensor]
