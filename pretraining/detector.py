"""Pre-training of the part detector on zoomed, shifted and mirrored paintings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.detection.painted_model import PartDetector

from .dataset import Pool
from .train import Loss, Piece

BATCH = 12
RATE = 3e-3


def detector_loss(model: PartDetector, pool: Pool, piece: Piece) -> Loss:
    """Cross-entropy of the parts' areas, and their overlap."""
    look, batch = piece.compile(model), piece.batch or BATCH

    def loss(draw: torch.Generator) -> Tensor:
        index = torch.randint(len(pool), (batch,), generator=draw)
        image, masks = augment(*pool.batch(index, piece.device), draw)
        target = F.avg_pool2d(masks, 2)
        logits = look(image)
        # Small parts are few cells: the overlap term gives each part the same say.
        cross = F.binary_cross_entropy_with_logits(logits, target)
        guess = logits.sigmoid()
        shared = (guess * target).sum(dim=(0, 2, 3))
        overlap = (2 * shared + 1) / (guess.sum(dim=(0, 2, 3)) + target.sum(dim=(0, 2, 3)) + 1)
        return cross + 0.3 * (1 - overlap).mean()

    return loss


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
