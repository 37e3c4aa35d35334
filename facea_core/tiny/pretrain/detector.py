"""Pre-training of the part detector on zoomed, shifted and mirrored paintings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..model import PartDetector
from .dataset import Pool

BATCH = 24
RATE = 3e-3


def train_detector(pool: Pool, steps: int, seed: int, device: str) -> PartDetector:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = PartDetector().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
    bar = tqdm(range(steps), desc="detector")
    for _ in bar:
        index = torch.randint(len(pool), (BATCH,), generator=generator)
        image, masks = augment(*pool.batch(index, device), generator)
        target = F.avg_pool2d(masks, 2)
        logits = model(image)
        # Small parts are few cells: the overlap term gives each part the same say.
        cross = F.binary_cross_entropy_with_logits(logits, target)
        guess = logits.sigmoid()
        shared = (guess * target).sum(dim=(0, 2, 3))
        overlap = (2 * shared + 1) / (guess.sum(dim=(0, 2, 3)) + target.sum(dim=(0, 2, 3)) + 1)
        loss = cross + 0.3 * (1 - overlap).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        if bar.n % 25 == 0:
            bar.set_postfix(loss=f"{loss.item():.4f}", overlap=f"{overlap.mean().item():.3f}")
    return model.eval().requires_grad_(False)


def augment(image: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Zoom, shift, mirror, and change the light. Zooming out fills up with mirrored neighbours, so
    several faces and faces cut by the border are seen too."""
    draw = torch.rand(len(image), 8, generator=generator).to(image.device)
    zoom = 0.62 * (3.2 ** (draw[:, 0] - 0.35))  # side of the window in pictures, 0.41 .. 1.32
    zoom = torch.where(draw[:, 7] < 0.3, zoom.clamp(0.9, 1.1), zoom)
    mirror = torch.where(draw[:, 1] < 0.5, -1.0, 1.0)
    tilt = (draw[:, 2] - 0.5) * 0.2
    shift = (draw[:, 3:5] - 0.5) * 0.7
    zero = torch.zeros_like(zoom)
    matrix = torch.stack(
        [
            torch.stack([zoom * mirror, -tilt, shift[:, 0]], 1),
            torch.stack([tilt + zero, zoom, shift[:, 1] + 0.1], 1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, list(image.shape), align_corners=False)
    both = F.grid_sample(
        torch.cat([image, masks], 1), grid, padding_mode="reflection", align_corners=False
    )
    image, masks = both[:, :3], both[:, 3:]
    light = draw[:, 5].view(-1, 1, 1, 1) * 0.5 + 0.75
    image = ((image - 0.5) * light + 0.5 + (draw[:, 6].view(-1, 1, 1, 1) - 0.5) * 0.2).clamp(0, 1)
    return image, masks
