"""What the miniature makes of paintings: whole heads from captions, and nearby reconstructions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...backbone import Backbone
from ...composing import ComposeConfig
from ...composing.sampler import inpaint
from .. import painter
from ..painting import Painting
from .dataset import HEAD, holes

NEAR = ComposeConfig(steps=4, denoise=0.4, cfg=1.0)
"""So little noise that what comes back is the model's own painting of the same face."""


def repaint(
    backbone: Backbone,
    painted: Painting,
    config: ComposeConfig,
    seed: int,
    captions: Sequence[str] | None = None,
    part: int | Tensor = HEAD,
) -> Tensor:
    """Pictures `(B, 3, H, W)` with a hole over `part` of each painted anew from its caption."""
    stacked = torch.cat([painted.masks[name] for name in painter.PARTS], dim=1)
    which = torch.as_tensor(part).expand(len(stacked))
    hole = holes(stacked, which, torch.Generator().manual_seed(seed))
    said = painted.captions if captions is None else captions
    negative = None if config.cfg == 1 else backbone.encode_prompts([""])
    image = inpaint(
        backbone, backbone.encode_prompts(said), negative, painted.image, hole, config, seed
    )
    return image.to(painted.image)


def reconstruct(backbone: Backbone, painted: Painting) -> Tensor:
    """The same faces as the model paints them, `(B, 3, H, W)`; their parts stay where they were."""
    return repaint(backbone, painted, NEAR, int(painted.people.sum() * 1e4) % 2**31)
