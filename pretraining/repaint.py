"""What the miniature makes of paintings: whole heads from captions, and nearby reconstructions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.composing import ComposeConfig
from facea_core.composing.sampler import inpaint
from facea_core.seeds import seeded
from facea_core.synthetic.painting import Painting

from .dataset import HEAD, inpaint_masks, part_masks

NEAR = ComposeConfig(steps=4, denoise=0.4, cfg=1.0)
"""So little noise that what comes back is the model's own painting of the same face."""


def repaint(
    backbone: Backbone,
    image: Tensor,
    mask: Tensor,
    captions: Sequence[str],
    config: ComposeConfig,
    seed: int,
) -> Tensor:
    """Pictures `(B, 3, H, W)` with their masks `(B, 1, H, W)` painted anew from the captions."""
    negative = None if config.cfg == 1 else backbone.text.encode([""])
    said = backbone.text.encode(captions)
    return inpaint(backbone, said, negative, image, mask, config, seed).to(image)


def head_masks(painted: Painting, seed: int) -> Tensor:
    """A mask `(B, 1, H, W)` over the head of each painting."""
    generator = seeded(seed)
    return inpaint_masks(part_masks(painted), torch.full((len(painted.image),), HEAD), generator)


def reconstruct(backbone: Backbone, painted: Painting) -> Tensor:
    """The same faces as the model paints them, `(B, 3, H, W)`; their parts stay where they were."""
    seed = int(painted.people.sum() * 1e4) % 2**31  # other people, other noise
    mask = head_masks(painted, seed)
    return repaint(backbone, painted.image, mask, painted.captions, NEAR, seed)
