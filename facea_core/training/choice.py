"""Which step of a run is the best: the one that paints the person most like the other photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..attributes import attribute_table
from ..backbone import Backbone
from ..backbone.prompts import Words
from ..types import FaceAttributes, Photo
from .cache import crop_example, whole_face
from .config import TrainConfig
from .preview import Inpaint
from .run import Judge
from .tasks import GLOBAL, crop_box, task_prompts

Likeness = Callable[[Photo, Sequence[Photo]], float]
"""(a painted face, photos of the person) -> how alike they are, more is better."""


def face_judge(
    inpaint: Inpaint,
    settings: Any,
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    likeness: Likeness,
    *,
    name: str = "person",
    class_noun: str = "person",
    on_step: Callable[[int, int], None] | None = None,
) -> Judge:
    """For `train_identity`: repaint the face of each photo, and compare it with the *other* photos.

    So a face that is only remembered from its surroundings wins nothing. A single photo is compared
    with itself. The noise is the same each time; `inpaint`, `settings` and `on_step` as in
    `face_previewer`.
    """
    table = attribute_table(config.attributes)
    prompt = task_prompts(config, name, class_noun, table)[GLOBAL]
    side = backbone.spec.resolution
    looks = []
    for i, photo in enumerate(photos):
        image, holes = crop_example(photo, backbone, table, config)
        region, _ = whole_face(photo, config)
        box = crop_box(region, photo.attributes.size, config)
        face = photo.attributes.face.shift(-box.x0, -box.y0).scale(*(side / box.width,) * 2)
        others = [other for k, other in enumerate(photos) if k != i] or [photo]
        looks.append((image, holes[""], FaceAttributes((side, side), face, 1.0), others))

    @torch.no_grad()
    def judge(words: Words) -> float:
        conditioning = backbone.encode_prompts([prompt], words)
        negative = backbone.encode_prompts([""])
        total = 0.0
        # One after the other: it shall need no more memory than a preview.
        for seed, (image, mask, face, others) in enumerate(looks):
            made = inpaint(backbone, conditioning, negative, image, mask, settings, seed, on_step)
            painted = torch.where(mask > 0.5, made.to(image), image)
            total += likeness(Photo(painted, face), others)
        return total / len(looks)

    return judge
