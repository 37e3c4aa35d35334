"""Pre-training of the identity encoder: same person close, others far, twins in colour included."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ...evaluation.crops import face_crop
from ...types import Box
from .. import painter
from ..model import IdentityEncoder
from ..people import IDENTITY

SIDE = 64
GROUPS, VIEWS = 24, 3  # a group is a person and a twin
RATE = 2e-3
TEMPERATURE = 0.1


Rebuild = Callable[[Tensor], Tensor]
"""Images `(B, 3, H, W)` as the autoencoder gives them back."""


def paint_heads(
    groups: int, seed: int, device: str, rebuild: Rebuild | None = None
) -> tuple[Tensor, Tensor]:
    """Head crops `(groups, 2, VIEWS, 3, 64, 64)` uint8, and the people `(groups, 2, I)`.

    With `rebuild` the last view of each person went through the autoencoder, as every generated
    picture does: who somebody is must not hang on what it blurs.

    The second of each group has the first one's colours and hair, and a geometry of its own:
    to tell them apart, an encoder has to look at shapes.
    """
    generator = torch.Generator().manual_seed(seed)
    first = painter.sample_people(groups, generator)
    other = painter.sample_people(groups, generator)
    shapes = torch.tensor([name in painter.GEOMETRY for name in IDENTITY])
    people = torch.stack([first, torch.where(shapes, other, first)], dim=1)
    who = people.flatten(0, 1).repeat_interleave(VIEWS, dim=0)
    scenes = painter.sample_scenes(len(who), generator)
    crops = torch.empty(len(who), 3, SIDE, SIDE, dtype=torch.uint8)
    jitter = torch.rand(len(who), 3, generator=generator)
    for start in tqdm(range(0, len(who), 64), desc="heads", unit="x64"):
        rows = slice(start, start + 64)
        painted = painter.paint(who[rows].to(device), scenes[rows].to(device))
        image = painted.image
        if rebuild is not None:
            last = torch.arange(start, start + len(image), device=device) % VIEWS == VIEWS - 1
            image[last] = rebuild(image[last]).clamp(0, 1)
        for i, boxes in enumerate(painted.boxes):
            dx, dy, grow = ((jitter[start + i] - 0.5) * 0.12).tolist()
            face = Box(*boxes["face"])
            face = face.grow(1 + grow).shift(round(dx * face.width), round(dy * face.height))
            crop = face_crop(image[i : i + 1], face, SIDE)
            crops[start + i] = (crop[0] * 255).round().byte().cpu()
    return crops.view(groups, 2, VIEWS, 3, SIDE, SIDE), people


def train_encoder(
    groups: int, steps: int, seed: int, device: str, rebuild: Rebuild
) -> IdentityEncoder:
    crops, people = paint_heads(groups, seed + 1, device, rebuild)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = IdentityEncoder().to(device)
    heads = nn.ModuleDict({name: nn.Linear(192, n) for name, n in painter.LABELS.items()})
    heads["geometry"] = nn.Linear(192, len(painter.GEOMETRY))
    heads = heads.to(device)
    parameters = [*model.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
    bar = tqdm(range(steps), desc="identity")
    for _ in bar:
        index = torch.randperm(groups, generator=generator)[:GROUPS]
        batch = crops[index].flatten(0, 2).to(device).float() / 255
        who = people[index].flatten(0, 1).repeat_interleave(VIEWS, dim=0).to(device)
        hidden = model.describe(disturb(batch, generator))
        vectors = F.normalize(model.out(hidden), dim=-1)
        loss = contrastive(vectors, VIEWS)
        classes = painter.labels(who)
        for name in painter.LABELS:
            loss = loss + 0.1 * F.cross_entropy(heads[name](hidden), classes[name])
        guess = heads["geometry"](hidden)
        loss = loss + 3.0 * F.mse_loss(guess, painter.geometry(who))
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        if bar.n % 25 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return model.eval().requires_grad_(False)


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
