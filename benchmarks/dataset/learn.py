"""A face recogniser learned from scratch: the identity encoder, from the heads of a few people."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.dataset.grid import number_of
from facea_core.errors import ConfigError
from facea_core.evaluation.identity_encoder import IdentityEncoder
from facea_core.seeds import seeded, short_seed
from pretraining.encoder import contrastive, disturb
from pretraining.muon import optimisers

from .heads import Heads

PEOPLE, VIEWS, RATE = 24, 2, 2e-3
"""People in a batch and heads of each; the highest learning rate."""
_WARM_UP = 20

# What a photo's copies may differ by: turned, scaled and moved, in radians and in shares.
_TURN, _SCALE, _SHIFT = 0.15, 0.12, 0.1


def learn(heads: Heads, seed: int, steps: int, *, moved: bool = False) -> IdentityEncoder:
    """The encoder after so many batches, in eval mode; same heads and seed, same encoder.

    Every batch is mirrored in half of its heads and damaged as generated pictures are; `moved` ones
    are turned and cropped as well, which makes more of a few photos. Raises ConfigError if there
    are too few people to tell apart.
    """
    by_person = [heads.of(label) for label in heads.labels.unique().tolist()]
    if len(by_person) < 2:
        raise ConfigError("there is one person only; to tell people apart takes two at least")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(short_seed(number_of("recogniser", seed)))
        network = IdentityEncoder().to(memory_format=torch.channels_last)  # pyright: ignore
    both = optimisers(network, RATE)
    heights = [[group["lr"] for group in one.param_groups] for one in both]
    draw = seeded(number_of("batches", seed))
    for step in range(steps):
        factor = min((step + 1) / _WARM_UP, 1.0) * (1 - step / steps)
        for one, rates in zip(both, heights, strict=True):
            for group, rate in zip(one.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        crops = _batch(heads.crops, by_person, draw, moved)
        contrastive(network(crops), VIEWS).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for one in both:
            one.step()
            one.zero_grad(set_to_none=True)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def vectors_of(network: IdentityEncoder, crops: Tensor) -> Tensor:
    """Unit vectors `(N, 64)` of crops `(N, 3, 64, 64)` uint8."""
    return torch.cat([network(some.float() / 255) for some in crops.split(100)])


def _batch(crops: Tensor, by_person: list[Tensor], draw: torch.Generator, moved: bool) -> Tensor:
    """VIEWS heads in a row of each of some people; of one with fewer, the same more than once."""
    some = torch.randperm(len(by_person), generator=draw)[:PEOPLE].tolist()
    index = torch.cat([_few(by_person[person], draw) for person in some])
    batch = crops[index].float() / 255
    mirrored = torch.rand(len(batch), 1, 1, 1, generator=draw) < 0.5
    batch = torch.where(mirrored, batch.flip(3), batch)
    batch = move(batch, draw) if moved else batch
    return disturb(batch, draw).contiguous(memory_format=torch.channels_last)


def _few(mine: Tensor, draw: torch.Generator) -> Tensor:
    order = torch.randperm(len(mine), generator=draw).repeat(-(-VIEWS // len(mine)))
    return mine[order[:VIEWS]]


def move(crops: Tensor, draw: torch.Generator) -> Tensor:
    """Crops `(B, 3, s, s)`, each turned, scaled and shifted by chance; its border is repeated."""
    turn, scale, across, down = (torch.rand(4, len(crops), generator=draw) * 2 - 1).unbind()
    turn, scale = turn * _TURN, 1 + scale * _SCALE
    cos, sin = turn.cos() * scale, turn.sin() * scale
    rows = (cos, -sin, across * _SHIFT, sin, cos, down * _SHIFT)
    shape = list(crops.shape)
    grid = F.affine_grid(torch.stack(rows, dim=1).view(-1, 2, 3), shape, align_corners=False)
    return F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
