"""Painted pictures to learn from, kept as bytes in memory, with masks of every part."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from facea_core.attributes import NECK_LENGTH, NECK_WIDTH
from facea_core.seeds import seeded
from facea_core.synthetic import render
from facea_core.synthetic.painting import Painting

SIDE = 128
HEAD = -1
FEATURES = [render.PARTS.index(part) for part in ("eyebrows", "eyes", "mouth")]
"""Small, and what most of a person is in."""


@dataclass(frozen=True, eq=False)
class Pool:
    """N pictures. `images (N, 3, 128, 128)` and `masks (N, parts, 128, 128)` uint8 in [0, 255], on
    the device that painted them.

    `people (N, I)` and `scenes (N, S)` are the numbers that they were painted from; several
    pictures in a row show the same person.
    """

    images: Tensor
    masks: Tensor
    people: Tensor
    scenes: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: Tensor, device: str | torch.device) -> tuple[Tensor, Tensor]:
        """Images `(B, 3, H, W)` and masks `(B, parts, H, W)`, float32 in [0, 1]."""
        images, masks = self.images[index].to(device), self.masks[index].to(device)
        return images.float() / 255, masks.float() / 255


def part_masks(painted: Painting) -> Tensor:
    """`(B, parts, H, W)` in [0, 1], in the order of PARTS."""
    return torch.cat([painted.masks[part] for part in render.PARTS], dim=1)


def draw_pool(people: int, each: int, seed: int) -> tuple[Tensor, Tensor]:
    """Who is painted and where: `each` scenes per person, a third of them busy."""
    generator = seeded(seed)
    who = render.sample_people(people, generator).repeat_interleave(each, dim=0)
    calm = render.sample_scenes(len(who), generator)
    busy = render.sample_scenes(len(who), generator, busy=True)
    return who, torch.where((torch.arange(len(who)) % 3 == 2)[:, None], busy, calm)


def paint_pool(people: int, each: int, seed: int, device: str | torch.device = "cpu") -> Pool:
    """Paint what `draw_pool` draws."""
    who, scenes = draw_pool(people, each, seed)
    shape = len(who), 3 + len(render.PARTS), SIDE, SIDE
    images, masks = torch.empty(shape, dtype=torch.uint8, device=device).tensor_split([3], dim=1)
    few = 64
    for start in tqdm(range(0, len(who), few), desc="paint", unit=f"x{few}"):
        rows = slice(start, start + few)
        painted = render.paint(who[rows].to(device), scenes[rows].to(device), SIDE)
        images[rows] = (painted.image * 255).round().byte()
        masks[rows] = (part_masks(painted) * 255).round().byte()
    return Pool(images, masks, who, scenes)


def inpaint_masks(masks: Tensor, part: Tensor, generator: torch.Generator) -> Tensor:
    """A mask `(B, 1, H, W)` in {0, 1} over a part of each picture, as composing would make it.

    `masks (B, parts, H, W)`; `part (B,)` indexes `render.PARTS`, or is `HEAD` for face and hair.
    Two in five are grown boxes, one is an ellipse, two the grown shape itself; half of those over a
    head reach down its neck. A picture without the part (a bald head's hair) gets the
    whole head.
    """
    head, part = masks[:, :2].amax(dim=1, keepdim=True), part.to(masks.device)
    shape = masks.gather(1, part.clamp(min=0).view(-1, 1, 1, 1).expand(-1, 1, *masks.shape[2:]))
    shape = torch.where((part == HEAD).view(-1, 1, 1, 1), head, shape)
    empty = shape.flatten(1).amax(dim=1) < 0.5
    shape = torch.where(empty.view(-1, 1, 1, 1), head, shape)
    solid = shape > 0.5
    y0, y1, x0, x1 = edges_of(solid)
    draw = torch.rand(len(masks), 6, generator=generator).to(masks.device)
    neck = NECK_LENGTH * (y1 - y0) * (2 * draw[:, 5] - 1).clamp(min=0)
    y1 = torch.where(part == HEAD, y1 + neck, y1)
    grow_x = 1.0 + 0.35 * draw[:, 0]
    grow_y = 1.0 + 0.35 * draw[:, 1]
    cx = (x0 + x1) / 2 + (draw[:, 2] - 0.5) * 0.1 * (x1 - x0)
    cy = (y0 + y1) / 2 + (draw[:, 3] - 0.5) * 0.1 * (y1 - y0)
    rx, ry = (x1 - x0) / 2 * grow_x + 1, (y1 - y0) / 2 * grow_y + 1
    line = torch.arange(masks.shape[-1], device=masks.device) + 0.5
    dx = (line[None, None, :] - cx[:, None, None]).abs() / rx[:, None, None]
    dy = (line[None, :, None] - cy[:, None, None]).abs() / ry[:, None, None]
    box = ((dx <= 1) & (dy <= 1)).float().unsqueeze(1)
    oval = ((dx / 1.12) ** 4 + (dy / 1.12) ** 4 <= 1).float().unsqueeze(1)
    grown = F.max_pool2d(torch.maximum(solid.float(), _neck(masks, part, neck)), 9, 1, padding=4)
    kind = draw[:, 4].view(-1, 1, 1, 1)
    return torch.where(kind < 0.4, box, torch.where(kind < 0.6, oval, grown))


def _neck(masks: Tensor, part: Tensor, length: Tensor) -> Tensor:
    """The neck `(B, 1, H, W)` in {0, 1} of each head, `length (B,)` pixels below its face."""
    line = torch.arange(masks.shape[-1], device=masks.device) + 0.5
    y0, y1, x0, x1 = (edge.view(-1, 1, 1, 1) for edge in edges_of(masks[:, :1] > 0.5))
    below = (line > (y0 + y1) / 2) & (line < y1 + length.view(-1, 1, 1, 1))
    beside = (line - (x0 + x1) / 2).abs() < NECK_WIDTH * (x1 - x0) / 2
    wanted = ((part == HEAD) & (length > 0)).view(-1, 1, 1, 1)
    return (wanted & below.transpose(2, 3) & beside).float()


def edges_of(solid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(y0, y1, x0, x1), each `(B,)`, of what is true in `(B, 1, H, W)`."""
    size = solid.shape[-1]
    line, edges = torch.arange(size, device=solid.device), []
    for axis in (2, 3):  # rows seen from the columns, then columns seen from the rows
        seen = solid.any(dim=5 - axis).squeeze(1)
        first = torch.where(seen, line, size).amin(dim=1)
        last = torch.where(seen, line, -1).amax(dim=1) + 1
        edges += [first.float(), last.float()]
    y0, y1, x0, x1 = edges
    return y0, y1, x0, x1
