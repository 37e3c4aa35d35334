"""One training written out: what every contender starts from, and what each step draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.identity.adapters import frozen
from facea_core.identity.lora import lora
from facea_core.identity.subject import SOMEBODY
from facea_core.identity.words import learnable_words
from facea_core.seeds import seeded
from facea_core.training.config import TrainConfig
from facea_core.training.data import LatentCache, build_cache, crop_example
from facea_core.training.draws import Draw
from facea_core.training.tasks import task_prompts
from facea_core.types import Photo

NAME = SOMEBODY.name


@dataclass(frozen=True, eq=False)
class Task:
    """What `train_identity` does with these photos and settings, laid open.

    `pictures` are (image `(1, 3, R, R)`, mask `(1, 1, R, R)`) by example, on the CPU; `words` and
    `lora` the values that training starts from, on the CPU; `draws` those of its steps, of which
    `rows` and `texts` are what the host knows: the examples and the prompts of each item.
    """

    photos: Sequence[Photo]
    backbone: Backbone
    config: TrainConfig
    cache: LatentCache
    pictures: Sequence[tuple[Tensor, Tensor]]
    words: Mapping[str, Tensor]
    lora: Mapping[str, Tensor]
    draws: Sequence[Draw]
    rows: Sequence[Sequence[int]]
    texts: Sequence[Sequence[str]]


def lay_open(photos: Sequence[Photo], backbone: Backbone, config: TrainConfig) -> Task:
    """The same random numbers in the same order as `train_identity` draws."""
    generator = seeded(config.seed)
    # The crops and masks as images: drawn once more, from the same state.
    again = seeded(config.seed)
    pictures = []
    for p, photo in enumerate(photos):
        for v in range(config.variants):
            random = again if v else None
            crop = crop_example(photo, backbone, config, random, number=p + v)
            pictures += [(crop.image, mask) for mask in crop.masks.values()]
    with torch.no_grad(), frozen(backbone.unet):
        cache = build_cache(photos, backbone, config, generator)
        words = learnable_words(backbone, NAME, config.table).values()
        with lora(backbone.unet, config.rank, config.targets, generator=generator) as adapter:
            start = adapter.flat.values()
        draws = [cache.draw(config, generator) for _ in range(config.steps)]
    prompts = list(task_prompts(config, SOMEBODY).values())
    return Task(
        photos=photos,
        backbone=backbone,
        config=config,
        cache=cache,
        pictures=pictures,
        words=words,
        lora=start,
        draws=draws,
        rows=[draw.rows.tolist() for draw in draws],
        texts=[[prompts[i] for i in draw.prompts.tolist()] for draw in draws],
    )
