"""How good the miniature is, on people it has never seen."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...backbone import Backbone, latent_mask, masked_image
from ...composing import ComposeConfig
from ...composing.sampler import inpaint
from ...detection.detect import DetectConfig, detect_faces
from ...detection.tiny import TinyDetector
from ...types import Box
from .. import painter
from ..model import IdentityEncoder, PartDetector
from .dataset import HEAD, holes, paint_pool
from .encoder import paint_heads

UNSEEN = 7_000_001


def equal_error_rate(same: Tensor, other: Tensor) -> float:
    """Share of wrong answers at the threshold where both kinds of mistake are equally frequent."""
    limits = torch.cat([same, other]).sort().values
    missed = torch.searchsorted(same.sort().values, limits).float() / len(same)
    taken = 1 - torch.searchsorted(other.sort().values, limits).float() / len(other)
    return float(((missed + taken) / 2)[(missed - taken).abs().argmin()])


@torch.no_grad()
def score_encoder(model: IdentityEncoder, device: str, groups: int = 150) -> dict[str, float]:
    crops, _ = paint_heads(groups, UNSEEN, device)
    shape = crops.shape[:3]
    vectors = torch.cat([model(c.to(device).float() / 255) for c in crops.flatten(0, 2).split(100)])
    vectors = vectors.view(*shape, -1).cpu()
    first = vectors[:, 0]  # one person per group: strangers of each other
    likeness = torch.einsum("gvd,hwd->gvhw", first, first)
    mine = torch.eye(groups, dtype=torch.bool)
    pairs = ~torch.eye(shape[2], dtype=torch.bool)
    same = likeness.permute(0, 2, 1, 3)[mine][:, pairs].flatten()
    other = likeness.permute(0, 2, 1, 3)[~mine].flatten()
    twins = torch.einsum("gvd,gwd->gvw", vectors[:, 0], vectors[:, 1]).flatten()
    return {
        "encoder_equal_error_rate": equal_error_rate(same, other),
        "encoder_equal_error_rate_twins": equal_error_rate(same, twins),
        "encoder_same_mean": float(same.mean()),
        "encoder_other_mean": float(other.mean()),
        "encoder_twin_mean": float(twins.mean()),
    }


@torch.no_grad()
def score_detector(model: PartDetector, count: int = 100) -> dict[str, float]:
    """Mean intersection over union of boxes, over parts that are there; a miss counts 0."""
    generator = torch.Generator().manual_seed(UNSEEN)
    people, scenes = (
        painter.sample_people(count, generator),
        painter.sample_scenes(count, generator),
    )
    painted = painter.paint(people, scenes)
    detector = TinyDetector(model.cpu())
    config = DetectConfig(attributes=painter.PARTS)
    shares: dict[str, list[float]] = {part: [] for part in painter.PARTS}
    for i in range(count):
        faces = detect_faces(painted.image[i : i + 1], detector, config)
        for name, true in painted.boxes[i].items():
            part = faces[0].part(name) if faces else None
            shares[name].append(part.box.iou(Box(*true)) if part else 0.0)
    scores = {f"detector_iou_{part}": sum(v) / len(v) for part, v in shares.items()}
    return {"detector_iou": sum(scores.values()) / len(scores), **scores}


@torch.no_grad()
def score_autoencoder(backbone: Backbone, count: int = 64) -> dict[str, float]:
    """Peak signal-to-noise ratio in decibels: of the picture, and inside the head's box."""
    pool = paint_pool(count, 1, UNSEEN)
    error, inside = [], []
    for start in range(0, count, 16):
        image, masks = pool.batch(torch.arange(start, min(start + 16, count)), backbone.device)
        rebuilt = backbone.decode(backbone.encode_image(image).sample())
        square = (rebuilt - image).square()
        head = masks[:, :2].amax(dim=1) > 0.5
        error += square.mean(dim=(1, 2, 3)).tolist()
        for row, where in zip(square, head, strict=True):
            ys, xs = where.nonzero(as_tuple=True)
            inside.append(row[:, ys.min() : ys.max() + 1, xs.min() : xs.max() + 1].mean().item())
    names = {"autoencoder_psnr": error, "autoencoder_psnr_head": inside}
    return {name: float(-10 * torch.tensor(v).mean().log10()) for name, v in names.items()}


@torch.no_grad()
def score_denoiser(backbone: Backbone, count: int = 256) -> dict[str, float]:
    """Mean squared error of the prediction inside head-sized holes, over the whole schedule."""
    pool = paint_pool(count, 1, UNSEEN)
    generator = torch.Generator().manual_seed(UNSEEN)
    total = weight = 0.0
    for start in range(0, count, 32):
        index = torch.arange(start, start + 32)
        image, masks = pool.batch(index, backbone.device)
        hole = holes(masks, torch.full((32,), HEAD, device=backbone.device), generator)
        prompts = [painter.describe(pool.people[i], pool.scenes[i]) for i in index.tolist()]
        latent = backbone.encode_image(image).sample()
        masked = backbone.encode_image(masked_image(image, hole)).sample()
        noise = torch.randn(latent.shape, generator=generator).to(latent)
        timestep = ((torch.arange(32) + 0.5) / 32 * 1000).long().to(latent.device)
        small = latent_mask(hole)
        output = backbone.predict(
            backbone.add_noise(latent, noise, timestep), timestep,
            backbone.encode_prompts(prompts), small, masked,
        )  # fmt: skip
        square = (output - backbone.target(latent, noise, timestep)).square()
        total += float((square * small).sum())
        weight += float(small.sum() * square.shape[1])
    return {"denoiser_masked_loss": total / weight}


@torch.no_grad()
def sample_sheet(backbone: Backbone, columns: int = 10) -> Image.Image:
    """Rows: a painting, its hole, and the hole repainted from a caption of the person."""
    pool = paint_pool(columns, 1, UNSEEN + 1)
    image, masks = pool.batch(torch.arange(columns), backbone.device)
    whole = torch.full((columns,), HEAD, device=backbone.device)
    hole = holes(masks, whole, torch.Generator().manual_seed(UNSEEN))
    prompts = [painter.describe(p, s) for p, s in zip(pool.people, pool.scenes, strict=True)]
    painted = inpaint(
        backbone, backbone.encode_prompts(prompts), backbone.encode_prompts([""]).expand(columns),
        image, hole, ComposeConfig(), 0,
    )  # fmt: skip
    rows = torch.stack([image, masked_image(image, hole), painted.to(image)])  # (3, N, 3, H, W)
    sheet = F.pad(rows, (1, 1, 1, 1), value=1.0).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    return Image.fromarray((sheet.clamp(0, 1) * 255).round().byte().cpu().numpy())
