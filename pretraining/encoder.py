"""Pre-training of the identity encoder: same person close, others far, twins in colour included.

Linear heads learn beside it what can be read off a face; they stay as the probe of `tiny.model`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from facea_core.evaluation.crops import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.seeds import seeded
from facea_core.synthetic import render
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import IDENTITY, OPEN, SMILING, circumstance
from facea_core.types import Box

from .train import Loss, Piece

SIDE = 64
GROUPS, VIEWS = 12, 3  # a group is a person and a twin
RATE = 2e-3
TEMPERATURE = 0.1
GEOMETRY_WEIGHT = 30.0
"""Numbers spread evenly over [0, 1] cost 30 / 12 when nothing is known of them."""
ASKED, ASKED_WEIGHT = ("hair_colour", "skin", "glasses", "beard", "smile"), 0.3
"""What captions are checked by: a probe that errs here hides how well a model reads."""
REPAINTED = 2
"""In one of so many groups a view is repainted, which takes far longer than painting."""

Rebuild = Callable[[Painting], Tensor]
"""Pictures `(B, 3, H, W)` as a model gives paintings back."""


class Heads(NamedTuple):
    """Crops `(groups, 2, VIEWS, 3, 64, 64)` uint8, `people (groups, 2, I)`, and `scenes` of each
    crop, `(groups, 2, VIEWS, S)`."""

    crops: Tensor
    people: Tensor
    scenes: Tensor


def paint_heads(groups: int, seed: int, device: str, rebuild: Rebuild, every: int = 1) -> Heads:
    """Heads of `groups` people and of a twin of each.

    A twin has the colours and the hair of the first, and a geometry of its own: to tell them apart,
    an encoder has to look at shapes. In every `every`-th group the last view of both is what a
    model made of the painting: who somebody is must not hang on what models blur.
    """
    generator = seeded(seed)
    first = render.sample_people(groups, generator)
    other = render.sample_people(groups, generator)
    shapes = torch.tensor([name in render.GEOMETRY for name in IDENTITY])
    people = torch.stack([first, torch.where(shapes, other, first)], dim=1)
    who = people.flatten(0, 1).repeat_interleave(VIEWS, dim=0)
    scenes = render.sample_scenes(len(who), generator)
    crops = torch.empty(len(who), 3, SIDE, SIDE, dtype=torch.uint8)
    jitter = torch.rand(len(who), 3, generator=generator)
    for start in tqdm(range(0, len(who), 60), desc="heads", unit="x60"):
        rows = slice(start, start + 60)
        painted = render.paint(who[rows].to(device), scenes[rows].to(device))
        image = painted.image
        row = torch.arange(start, start + len(image), device=device)
        last = (row % VIEWS == VIEWS - 1) & (row // (2 * VIEWS) % every == 0)
        if last.any():
            image[last] = rebuild(some(painted, last))
        for i, boxes in enumerate(painted.boxes):
            dx, dy, grow = ((jitter[start + i] - 0.5) * 0.12).tolist()
            face = Box(*boxes["face"])
            face = face.grow(1 + grow).shift(round(dx * face.width), round(dy * face.height))
            crop = face_crop(image[i : i + 1], face, SIDE)
            crops[start + i] = (crop[0] * 255).round().byte().cpu()
    shape = (groups, 2, VIEWS)
    return Heads(crops.view(*shape, 3, SIDE, SIDE), people, scenes.view(*shape, -1))


def some(painted: Painting, chosen: Tensor) -> Painting:
    """The paintings where `chosen (N,)` is true."""
    masks = {part: mask[chosen] for part, mask in painted.masks.items()}
    return Painting(painted.image[chosen], masks, painted.people[chosen], painted.scenes[chosen])


def encoder_loss(probe: AttributeProbe, heads: Heads, piece: Piece) -> Loss:
    """Who it is by contrast; every attribute by class; every measure by regression."""
    look, groups, device = piece.compile(probe.look), piece.batch or GROUPS, piece.device

    def loss(draw: torch.Generator) -> Tensor:
        index = torch.randperm(len(heads.crops), generator=draw)[:groups]
        crops = heads.crops[index].flatten(0, 2).to(device).float() / 255
        who = heads.people[index].flatten(0, 1).repeat_interleave(VIEWS, dim=0).to(device)
        seen = look(disturb(crops, draw))
        value = contrastive(F.normalize(seen.vector, dim=-1), VIEWS)
        for name, wanted in classes(who, heads.scenes[index].flatten(0, 2).to(device)).items():
            weight = ASKED_WEIGHT if name in ASKED else 0.1
            value = value + weight * F.cross_entropy(seen.classes[name], wanted)
        return value + GEOMETRY_WEIGHT * F.mse_loss(seen.geometry, render.geometry(who))

    return loss


def classes(people: Tensor, scenes: Tensor) -> dict[str, Tensor]:
    """What a probe is asked: the labels of a person, and the two of the face in a scene."""
    return {
        **render.labels(people),
        "smile": (circumstance(scenes, "smile") >= SMILING).long(),
        "open_mouth": (circumstance(scenes, "mouth_open") >= OPEN).long(),
    }


def contrastive(vectors: Tensor, views: int) -> Tensor:
    """Supervised contrastive loss (2004.11362) of `(N * views, D)`, a person's views in a row."""
    who = torch.arange(len(vectors) // views, device=vectors.device).repeat_interleave(views)
    same = (who[:, None] == who[None]).float().fill_diagonal_(0)
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    logits = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -1e4)
    return -(same * logits.log_softmax(dim=1)).sum(dim=1).div(views - 1).mean()


def disturb(crop: Tensor, generator: torch.Generator) -> Tensor:
    """What generated pictures suffer from: blur, noise, and a cast of colour."""
    draw = torch.rand(len(crop), 5, generator=generator).to(crop.device)
    blurred = [crop, *(_blur(crop, factor) for factor in (2, 4))]
    # A third stays sharp, the rest lies anywhere between sharp, blurred and much blurred.
    share = (draw[:, 0] * 3 - 1).clamp(min=0).view(-1, 1, 1, 1)
    crop = torch.lerp(blurred[0], blurred[1], share.clamp(max=1))
    crop = torch.lerp(crop, blurred[2], (share - 1).clamp(min=0))
    crop = crop * (0.85 + 0.3 * draw[:, 1].view(-1, 1, 1, 1))
    crop = crop + (draw[:, 2:5].view(-1, 3, 1, 1) - 0.5) * 0.12
    noise = torch.randn(crop.shape, generator=generator).to(crop.device)
    return (crop + 0.03 * noise).clamp(0, 1)


def _blur(crop: Tensor, factor: int) -> Tensor:
    return F.interpolate(F.avg_pool2d(crop, factor), scale_factor=factor, mode="bilinear")
