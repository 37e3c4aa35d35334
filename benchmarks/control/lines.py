"""Lines of painted faces as hints, and pictures in which a face is wanted in another pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.hints.align import similarity
from facea_core.seeds import seeded
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import (
    IDENTITY,
    POSE,
    SCENE,
    sample_people,
    sample_scenes,
)
from facea_core.synthetic.render import paint

from ..likeness.subjects import UNSEEN, expression_labels

DRAWN = ("face", "eyebrows", "eyes", "nose", "mouth")
_POSE = [SCENE.index(name) for name in POSE]
GROWN = 0.1
"""How far the mask reaches beyond the heads, in face widths."""


@dataclass(frozen=True, eq=False)
class MovedHost:
    """Two people side by side, `host` and `neighbour`, in `picture (1, 3, H, 2 H)`; the host from
    column `left` on.

    The person is wanted there as in `answer`. `template` is somebody else in that pose, `photo` the
    person in another. `mask (1, 1, H, 2 H)` covers the heads of host, answer and template.
    """

    host: Painting
    neighbour: Painting
    answer: Painting
    template: Painting
    photo: Painting
    left: int

    def placed(self, one: Tensor, beside: Tensor) -> Tensor:
        """`(1, C, H, W)` where the host is, and another where the neighbour is."""
        return torch.cat([one, beside] if self.left == 0 else [beside, one], dim=3)

    @property
    def picture(self) -> Tensor:
        return self.placed(self.host.image, self.neighbour.image)

    @property
    def half(self) -> Tensor:
        """1 where the host is."""
        one = torch.ones_like(self.host.image[:, :1])
        return self.placed(one, torch.zeros_like(one))

    @property
    def mask(self) -> Tensor:
        heads = torch.cat(
            [p.masks[part] for p in (self.host, self.answer, self.template)
             for part in ("face", "hair")]
        ).amax(dim=0, keepdim=True)  # fmt: skip
        x0, _, x1, _ = self.answer.boxes[0]["face"]
        grown = 2 * round(GROWN * (x1 - x0)) + 1
        solid = F.max_pool2d((heads > 0.5).float(), grown, 1, grown // 2)
        return self.placed(solid, torch.zeros_like(solid))

    @property
    def expression(self) -> Mapping[str, int]:
        return expression_labels(self.answer.scenes)


def moved_hosts(number: int, count: int, size: int) -> list[MovedHost]:
    """Hosts of person `number`, left and right in turn. Same numbers, same bytes."""
    person = sample_people(1, seeded(UNSEEN + number))
    generator, found = seeded(UNSEEN + number + (1 << 23)), []
    gender = IDENTITY.index("gender")
    for k in range(count):
        others, scenes = sample_people(3, generator), sample_scenes(4, generator)
        others[:, gender] = person[:, gender]
        wanted = scenes[:1].clone()
        wanted[:, _POSE] = scenes[1:2, _POSE]
        painted = [
            paint(who, scene, size)
            for who, scene in (
                (others[:1], scenes[:1]), (others[1:2], scenes[2:3]), (person, wanted),
                (others[2:], wanted), (person, scenes[3:]),
            )
        ]  # fmt: skip
        found.append(MovedHost(*painted, left=size * (k % 2)))
    return found


def lines(painted: Painting) -> Tensor:
    """White outlines, two pixels wide, on black: `(1, 3, H, W)`."""
    solid = torch.cat([(painted.masks[part] > 0.5).float() for part in DRAWN], dim=1)
    edges = F.max_pool2d(solid, 3, 1, 1) + F.max_pool2d(1 - solid, 3, 1, 1) - 1
    return edges.amax(dim=1, keepdim=True).expand(-1, 3, -1, -1)


def warped(image: Tensor, source: Painting, target: Painting) -> Tensor:
    """The image with the five points of `source` moved on those of `target`, as well as a rotation,
    one scale and a shift can."""
    move = similarity(
        *(torch.view_as_real(_points(one)).double().numpy() for one in (source, target))
    )
    back = np.linalg.inv(move.turn)
    # grid_sample counts from -1 to 1 over the side of a square.
    half = image.shape[-1] / 2
    offset = back @ (half - move.shift) / half - 1
    theta = torch.from_numpy(np.column_stack([back, offset])).to(image)
    grid = F.affine_grid(theta[None], [*image.shape], align_corners=False)
    return F.grid_sample(image, grid, align_corners=False)


def _points(painted: Painting) -> Tensor:
    """Eyes, nose and corners of the mouth, `(5,)` complex, x + iy."""
    middle = _centre(painted.masks["face"][0, 0] > 0.5).real
    eyes, mouth = (painted.masks[part][0, 0] > 0.3 for part in ("eyes", "mouth"))
    columns = torch.arange(eyes.shape[-1]) + 0.5
    at = mouth.any(dim=0).nonzero().flatten()
    corners = [
        torch.complex(columns[x], (mouth[:, x].nonzero().float() + 0.5).mean())
        for x in (at[0], at[-1])
    ]
    nose = _centre(painted.masks["nose"][0, 0] > 0.3)
    return torch.stack(
        [_centre(eyes & (columns < middle)), _centre(eyes & (columns > middle)), nose, *corners]
    )


def _centre(inside: Tensor) -> Tensor:
    y, x = (inside.nonzero().float() + 0.5).mean(dim=0)
    return torch.complex(x, y)
