"""Sample sheets: what there was, the masks, and what the miniature painted into them."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from facea_core.backbone import Backbone, masked_image
from facea_core.composing import ComposeConfig
from facea_core.synthetic import render
from facea_core.synthetic.render import PARTS

from .dataset import HEAD, draw_pool, inpaint_masks, part_masks
from .repaint import repaint
from .score import UNSEEN

COLUMNS = 16


def write_sheets(backbone: Backbone, folder: Path) -> None:
    """`facea-tiny-heads.jpg` and `facea-tiny-parts.jpg`, 32 repaints each."""
    for name, parts in (("heads", False), ("parts", True)):
        picture = repaint_sheet(backbone, 32, parts=parts)
        picture.save(folder / f"facea-tiny-{name}.jpg", quality=90)


@torch.no_grad()
def repaint_sheet(backbone: Backbone, count: int, *, parts: bool) -> Image.Image:
    """Blocks of three rows: a painting, its mask, the mask repainted from a caption.

    A whole head is repainted from the caption of the person, a part from that of the next person's
    part: that it changes shows that the caption is read.
    """
    people, scenes = draw_pool(count, 1, UNSEEN + 1)
    painted = render.paint(people, scenes)
    if parts:
        part = torch.arange(count) % (len(PARTS) - 1) + 1
        other = people.roll(-1, dims=0)
        captions = [
            f"a photo of {render.describe_part(other[i], PARTS[int(part[i])])}"
            for i in range(count)
        ]
    else:
        part, captions = torch.full((count,), HEAD), painted.captions
    mask = inpaint_masks(part_masks(painted), part, torch.Generator().manual_seed(0))
    image = repaint(backbone, painted.image, mask, captions, ComposeConfig(), 0)
    return tiled(torch.stack([painted.image, masked_image(painted.image, mask), image]), COLUMNS)


@torch.no_grad()
def reconstruction_sheet(backbone: Backbone, count: int) -> Image.Image:
    """Blocks of two rows: a painting, and what is left of it in a latent."""
    painted = render.paint(*draw_pool(count, 1, UNSEEN + 1)).image
    rebuilt = backbone.decode(backbone.encode_image(painted).sample()).to(painted)
    return tiled(torch.stack([painted, rebuilt]), COLUMNS)


def tiled(rows: Tensor, columns: int) -> Image.Image:
    """Rows `(R, N, 3, H, W)` as blocks of R rows and `columns` columns."""
    blocks = torch.cat(list(rows.split(columns, dim=1)))
    sheet = (
        F.pad(blocks, (1, 1, 1, 1), value=1.0).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    )
    return Image.fromarray((sheet.clamp(0, 1) * 255).round().byte().cpu().numpy())
