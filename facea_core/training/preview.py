"""Fixed-seed images during training: a photo's face, painted by what was learned so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..backbone import Backbone
from ..backbone.prompts import Words
from ..identity.subject import SOMEBODY, Subject
from ..types import Photo
from .config import TrainConfig
from .data import crop_example
from .tasks import GLOBAL, task_prompts

Inpaint = Callable[..., Tensor]

Previewer = Callable[[Words], Tensor]
"""Learned words -> images `(N, 3, H, W)`, painted by the U-Net as it is then."""


def face_previewer(
    inpaint: Inpaint,
    settings: Any,
    photo: Photo,
    backbone: Backbone,
    config: TrainConfig,
    *,
    subject: Subject = SOMEBODY,
    seeds: Sequence[int] = (0,),
    on_step: Callable[[int, int], None] | None = None,
) -> Previewer:
    """For `train_identity`: repaint the face of `photo` with the same noise each time.

    `inpaint` and its `settings` are those of `composing`, handed in because training does not know
    how images are composed; `on_step` goes to it, raise in it to cancel. The result is
    `(len(seeds), 3, R, R)` at native resolution, outside the mask as in the photo.
    """
    crop = crop_example(photo, backbone, config)
    image, mask = crop.image, crop.face
    prompts = task_prompts(config, subject)

    @torch.no_grad()
    def preview(words: Words) -> Tensor:
        conditioning = backbone.text.encode([prompts[GLOBAL]], words)
        negative = backbone.text.encode([""])
        painted = [
            inpaint(backbone, conditioning, negative, image, mask, settings, seed, on_step)
            for seed in seeds
        ]
        return torch.where(mask > 0.5, torch.cat(painted).to(image), image)

    return preview
