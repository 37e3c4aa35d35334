"""What a slider learns on: noisy pictures on the model's own way from noise to the neutral prompt,
and what it says of them when it is asked for more and for less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..backbone import Backbone, latent_mask, masked_image
from ..composing.solvers import SOLVERS, Level, levels
from ..training.data import build_cache
from ..training.losses import region_loss
from ..types import OnTick, Photo
from .config import SliderConfig

HOLE = 2 / 3
"""Side of what is repainted in sides of the picture: composing crops 1.5 of it."""


class Places(NamedTuple):
    """Where is painted: `mask (K, 1, h, w)` in {0, 1} and what is seen, `masked (K, C, h, w)`."""

    mask: Tensor
    masked: Tensor

    def select(self, index: Tensor) -> Places:
        return Places(self.mask[index], self.masked[index])


@dataclass(frozen=True, eq=False)
class Pool:
    """N noisy latents `noisy (N, C, h, w)` at `timestep (N,)`, each in one of `places`.

    `neutral (N, C, h, w)` is what the model answers to the neutral prompt, `change` how the answer
    to the positive prompt differs from that to the negative one. All float32, on its device.
    """

    noisy: Tensor
    timestep: Tensor
    neutral: Tensor
    change: Tensor
    place: Tensor
    places: Places

    def __len__(self) -> int:
        return len(self.noisy)

    @property
    def size(self) -> float:
        """The mean square of the change where something is painted."""
        mask = self.places.select(self.place).mask
        return float(region_loss(self.change, torch.zeros_like(self.change), mask).mean())


@torch.no_grad()
def build_pool(
    backbone: Backbone,
    config: SliderConfig,
    generator: torch.Generator,
    photos: Sequence[Photo] = (),
    at_once: int = 4,
    on_tick: OnTick | None = None,
) -> Pool:
    """Paint `config.paintings` pictures of the neutral prompt, and keep every step of each.

    With photos, around their faces, as composing does. Without any, half are painted whole, on
    nothing, and the other half repaint the middle of those: an inpainting model sees what it paints
    into, and shall learn with and without surroundings. A model that is shown no surroundings
    paints whole pictures. `on_tick(done, total)` is called before each `at_once` pictures; raise in
    it to cancel.
    """
    count = config.paintings
    painter = _Painter(backbone, config, generator, at_once, count, on_tick)
    if photos and backbone.spec.inpainting:
        wanted = replace(config.training, steps=max(count, 1), batch=1)
        cache = build_cache(photos, backbone, wanted, generator)
        places = Places(cache.mask, cache.masked.mean)
        pool, _ = painter.paint(places, torch.arange(count) % len(places.mask))
        return pool
    nothing = _place(backbone, torch.full((1, 3, *_size(backbone)), 0.5), _all(backbone))
    if not backbone.spec.inpainting:
        return painter.paint(nothing, torch.zeros(count, dtype=torch.long))[0]
    whole, painted = painter.paint(nothing, torch.zeros(count - count // 2, dtype=torch.long))
    pictures = [backbone.decode(one) for one in painted[: count // 2].split(1)]
    holes = [_place(backbone, picture, _middle(backbone)) for picture in pictures]
    places = Places(*map(torch.cat, zip(*holes, strict=True)))
    again, _ = painter.paint(places, torch.arange(len(pictures)))
    return _joined(whole, again)


@dataclass(eq=False)
class _Painter:
    """Paints and keeps count."""

    backbone: Backbone
    config: SliderConfig
    generator: torch.Generator
    at_once: int
    total: int
    on_tick: OnTick | None
    done: int = 0

    def __post_init__(self) -> None:
        config = self.config
        asked = (config.neutral, "", config.positive, config.negative)
        # Each distinct prompt is asked once.
        self.prompts = list(dict.fromkeys(asked))
        self.rows = [self.prompts.index(one) for one in asked]
        self.conditioning = self.backbone.text.encode(self.prompts)

    def paint(self, places: Places, index: Tensor) -> tuple[Pool, Tensor]:
        """A painting in each place of `index (M,)`: its steps, and the latents `(M, C, h, w)`."""
        index = index.to(self.backbone.device)
        parts = [self._some(places, some) for some in index.split(self.at_once)]
        pool = parts[0][0]
        for more, _ in parts[1:]:
            pool = _joined(pool, replace(more, places=Places(*(x[:0] for x in places))))
        return pool, torch.cat([latents for _, latents in parts])

    def _some(self, places: Places, index: Tensor) -> tuple[Pool, Tensor]:
        backbone, count = self.backbone, len(index)
        if self.on_tick is not None:
            self.on_tick(self.done, self.total)
        mask, masked = places.select(index)
        shape = (count, backbone.spec.latent_channels, *mask.shape[2:])
        noise = torch.randn(shape, generator=self.generator).to(backbone.device)
        asked = torch.arange(len(self.prompts), device=backbone.device).repeat_interleave(count)
        seen: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

        def model(latent: Tensor, level: Level) -> Tensor:
            timestep = torch.full((count,), level.timestep, device=backbone.device)
            noisy, at, hole, around = (
                x.repeat(len(self.prompts), *(1,) * (x.ndim - 1))
                for x in (latent, timestep, mask, masked)
            )
            context = self.conditioning.select(asked)
            answers = backbone.predict(noisy, at, context, hole, around).float().chunk(
                len(self.prompts)
            )  # fmt: skip
            neutral, empty, positive, negative = (answers[row] for row in self.rows)
            seen.append((latent, timestep, neutral, positive - negative))
            guided = empty + backbone.spec.cfg * (neutral - empty)
            return backbone.clean(guided, latent, level.signal, level.sigma)

        schedule = levels(backbone.alphas_cumprod, self.config.levels)
        latents = SOLVERS["ddim"](model, noise, schedule)
        self.done += count
        noisy, timestep, neutral, change = (torch.cat(of_all) for of_all in zip(*seen, strict=True))
        place = index.repeat(len(seen))
        return Pool(noisy, timestep, neutral, change, place, places), latents


def _joined(first: Pool, second: Pool) -> Pool:
    """Both pools, the places of the second numbered on."""
    before = len(first.places.mask) if len(second.places.mask) else 0
    return Pool(
        noisy=torch.cat([first.noisy, second.noisy]),
        timestep=torch.cat([first.timestep, second.timestep]),
        neutral=torch.cat([first.neutral, second.neutral]),
        change=torch.cat([first.change, second.change]),
        place=torch.cat([first.place, second.place + before]),
        places=Places(*map(torch.cat, zip(first.places, second.places, strict=True))),
    )


def _size(backbone: Backbone) -> tuple[int, int]:
    return backbone.spec.resolution, backbone.spec.resolution


def _all(backbone: Backbone) -> Tensor:
    return torch.ones(1, 1, *_size(backbone))


def _middle(backbone: Backbone) -> Tensor:
    """A round hole in the middle of a picture, as wide as a head in a crop."""
    line = torch.linspace(-1, 1, backbone.spec.resolution)
    return (line[:, None].square() + line.square() < HOLE**2).float()[None, None]


def _place(backbone: Backbone, image: Tensor, mask: Tensor) -> Places:
    mask = mask.to(image.device)
    seen = backbone.encode_image(masked_image(image, mask)).sample().float()
    return Places(latent_mask(mask, backbone.spec.latent_factor).to(seen.device), seen)
