"""What the U-Net learns from: paintings and masks in them, encoded, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from facea_core.backbone import latent_mask, masked_image
from facea_core.seeds import seeded
from facea_core.synthetic import render

from .autoencoder import NarrowAutoencoder
from .captions import Description, describe_pool
from .dataset import FEATURES, HEAD, SIDE, draw_pool, edges_of, inpaint_masks, part_masks
from .train import Piece

BATCH, GPU_BATCH = 30, 512
FACE_SHARE = 0.12
"""Share of the large masks that cover the face without its hair."""
FEATURE_WEIGHT = 3.0
"""How much more a latent counts that shows an eye, a brow or the mouth: a fifth of a face's latents
carries most of a person, and the mouth's few are all that says whether it smiles."""
SMALL = render.PARTS.index("eyebrows")
"""From here on the parts are small."""
ZOOMS = (1.5, 2.0, 2.5)


@dataclass(frozen=True, eq=False)
class Encoded:
    """N samples, latents in float16: `clean (N, 4, 16, 16)`, `masked` as large, `mask (N, 1, 16,
    16)`, `weight` as large; `picture (N,)` counts the pictures that were painted, `part (N,)` is
    what the mask covers.

    Half of the pictures show somebody else's neck, clothes and surroundings around the mask: that
    is what composing finds, and the prompt has to win against it. Half of the others have a second
    sample with a mask over a single part, and the other half one of a part seen from nearer.
    """

    clean: Tensor
    masked: Tensor
    mask: Tensor
    weight: Tensor
    picture: Tensor
    part: Tensor

    def __len__(self) -> int:
        return len(self.clean)


@torch.no_grad()
def encode_pictures(
    count: int, seed: int, model: NarrowAutoencoder, piece: Piece
) -> tuple[Encoded, list[Description]]:
    """Paint `count` people once each, and encode what the U-Net will see of them."""
    generator = seeded(seed)
    people, scenes = draw_pool(count, 1, seed)
    others = render.sample_people(count, generator)
    encode, device = piece.compile(model.encode), piece.device
    rows: list[tuple[Tensor, ...]] = []

    def add(
        clean: Tensor, image: Tensor, masks: Tensor, mask: Tensor, index: Tensor, part: Tensor
    ) -> None:
        features = F.max_pool2d(masks[:, FEATURES].amax(1, keepdim=True), SIDE // clean.shape[-1])
        weight = 1 + (FEATURE_WEIGHT - 1) * features
        latents = (clean, encode(masked_image(image, mask)), latent_mask(mask), weight)
        rows.append((*(one.half().cpu() for one in latents), index, part))

    few = BATCH if torch.device(device).type == "cpu" else GPU_BATCH
    for start in tqdm(range(0, count, few), desc="latents", unit=f"x{few}"):
        index = torch.arange(start, min(start + few, count))
        image, masks = painted(people[index], scenes[index], device)
        foreign, single = index % 2 == 1, index % 4 == 0
        share = torch.rand(len(index), generator=generator)
        part = torch.where(share < FACE_SHARE, 0, HEAD)
        host, host_masks = painted(others[index[foreign]], scenes[index[foreign]], device)
        seen = masks.clone()
        seen[foreign] = host_masks  # the mask is where the other head was
        mask = inpaint_masks(seen, part, generator)
        mixed = image.clone()
        mixed[foreign] = stitched(image[foreign], host, mask[foreign], generator)
        clean = encode(mixed)
        add(clean, mixed, masks, mask, index, part)
        if single.any():
            part = torch.randint(1, masks.shape[1], (int(single.sum()),), generator=generator)
            mask = inpaint_masks(masks[single], part, generator)
            add(clean[single], image[single], masks[single], mask, index[single], part)
        near = index[index % 4 == 2]
        if len(near):
            part = torch.randint(SMALL, len(render.PARTS), (len(near),), generator=generator)
            image, masks = zoomed(people[near], scenes[near], part, generator, device)
            mask = inpaint_masks(masks, part, generator)
            add(encode(image), image, masks, mask, near, part)
    columns = (torch.cat(column) for column in zip(*rows, strict=True))
    return Encoded(*columns), describe_pool(people, scenes)


def painted(people: Tensor, scenes: Tensor, device: str, size: int = SIDE) -> tuple[Tensor, Tensor]:
    """Images `(B, 3, size, size)` and masks of each of PARTS, `(B, parts, size, size)`."""
    painting = render.paint(people.to(device), scenes.to(device), size)
    return painting.image, part_masks(painting)


def zoomed(
    people: Tensor, scenes: Tensor, part: Tensor, generator: torch.Generator, device: str
) -> tuple[Tensor, Tensor]:
    """Image and masks of a window about `part (B,)` of each, which is seen in half as large again
    to two and a half times its size, as where only that part is repainted."""
    size = int(ZOOMS[int(torch.randint(len(ZOOMS), (), generator=generator))] * SIDE)
    whole = torch.cat(painted(people, scenes, device, size), dim=1)
    rows = torch.arange(len(part), device=whole.device)
    solid = whole[rows, 3 + part.to(whole.device)][:, None] > 0.5
    y0, y1, x0, x1 = (edge.cpu() for edge in edges_of(solid))
    moved = (torch.rand(2, len(part), generator=generator) - 0.5) * 0.2 * SIDE
    edges = (
        ((a + b) / 2 + by - SIDE / 2).long().clamp(0, size - SIDE).tolist()
        for a, b, by in ((y0, y1, moved[0]), (x0, x1, moved[1]))
    )
    cut = [one[:, y : y + SIDE, x : x + SIDE] for one, y, x in zip(whole, *edges, strict=True)]
    image, masks = torch.stack(cut).split([3, len(render.PARTS)], dim=1)
    return image, masks


def stitched(image: Tensor, host: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """`image` inside the mask and `host` around it; every other edge is a soft one."""
    soft = F.avg_pool2d(mask, 9, stride=1, padding=4, count_include_pad=False)
    hard = (torch.rand(len(mask), generator=generator) < 0.5).view(-1, 1, 1, 1).to(mask.device)
    return torch.lerp(host, image, torch.where(hard, mask, soft))
