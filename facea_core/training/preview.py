"""Fixed-seed pictures during training: a photo's face, painted by what was learned so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..attributes import attribute_table
from ..backbone import Backbone
from ..backbone.prompts import Words
from ..types import Photo
from .cache import crop_example
from .config import TrainConfig
from .run import Previewer
from .tasks import GLOBAL, task_prompts

Inpaint = Callable[..., Tensor]


def face_previewer(
    inpaint: Inpaint,
    settings: Any,
    photo: Photo,
    backbone: Backbone,
    config: TrainConfig,
    *,
    name: str = "person",
    class_noun: str = "person",
    seeds: Sequence[int] = (0,),
    on_step: Callable[[int, int], None] | None = None,
) -> Previewer:
    """For `train_identity`: repaint the face of `photo` with the same noise each time.

    `inpaint` and its `settings` are those of `composing`, handed in because training does not know
    how pictures are composed; `on_step` goes to it, raise in it to cancel. The result is
    `(len(seeds), 3, R, R)` at native resolution, outside the hole as in the photo.
    """
    table = attribute_table(config.attributes)
    image, holes = crop_example(photo, backbone, table, config)
    mask = holes[""]
    prompts = task_prompts(config, name, class_noun, table)

    @torch.no_grad()
    def preview(words: Words) -> Tensor:
        conditioning = backbone.encode_prompts([prompts[GLOBAL]], words)
        negative = backbone.encode_prompts([""])
        painted = [
            inpaint(backbone, conditioning, negative, image, mask, settings, seed, on_step)
            for seed in seeds
        ]
        return torch.where(mask > 0.5, torch.cat(painted).to(image), image)

    return preview
