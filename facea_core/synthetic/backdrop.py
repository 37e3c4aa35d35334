"""What is behind the person: gradients, a horizon, sun or moon, hills, soft discs of light."""

from __future__ import annotations

import torch
from torch import Tensor

from .parameters import BACKDROPS, circumstance
from .sdf import bump, fraction, hue, length, soft

# Top and bottom of the sky and of the ground, per backdrop; the wall's colours come from its hue.
_SKY = {
    "wall": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "sea": ((0.42, 0.70, 0.95), (0.86, 0.94, 0.98)),
    "sunset": ((0.55, 0.32, 0.58), (1.00, 0.68, 0.34)),
    "meadow": ((0.50, 0.78, 0.96), (0.90, 0.97, 0.96)),
    "night": ((0.05, 0.07, 0.20), (0.16, 0.18, 0.38)),
}
_GROUND = {
    "wall": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "sea": ((0.16, 0.52, 0.68), (0.10, 0.36, 0.56)),
    "sunset": ((0.50, 0.24, 0.36), (0.26, 0.14, 0.30)),
    "meadow": ((0.52, 0.76, 0.36), (0.26, 0.54, 0.26)),
    "night": ((0.08, 0.10, 0.20), (0.05, 0.05, 0.12)),
}
_DISC = {"sunset": (1.0, 0.90, 0.55), "night": (0.93, 0.93, 0.82)}
_SPOTS = 7


def _rows(table: dict[str, tuple[float, ...]], index: Tensor) -> Tensor:
    rows = tuple(table.get(name, (0.0, 0.0, 0.0)) for name in BACKDROPS)
    return torch.tensor(rows, dtype=torch.float32, device=index.device)[index][:, :, None, None]


def backdrop(scenes: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(N,3,S,S) RGB, at most a little above 1, of scenes (N, SCENE_SIZE).

    x is (1,1,1,S), y (1,1,S,1), both in [-1,1].
    """

    def how(name: str) -> Tensor:
        return circumstance(scenes, name).view(-1, 1, 1, 1)

    kind = (circumstance(scenes, "backdrop") * len(BACKDROPS)).long().clamp(max=len(BACKDROPS) - 1)
    is_wall = (kind == BACKDROPS.index("wall")).view(-1, 1, 1, 1)
    is_meadow = (kind == BACKDROPS.index("meadow")).float().view(-1, 1, 1, 1)
    has_disc = ((kind == 2) | (kind == 4)).float().view(-1, 1, 1, 1)

    wall_top = hue(how("hue"), 0.15 + 0.45 * how("second_hue"), 0.60 + 0.36 * how("brightness"))
    wall_end = hue(how("hue") + 0.10, 0.25 + 0.30 * how("second_hue"),
                   0.42 + 0.40 * how("brightness"))  # fmt: skip
    bright = 0.90 + 0.14 * how("brightness")
    sky_top = torch.where(is_wall, wall_top, _rows({k: a for k, (a, _) in _SKY.items()}, kind))
    sky_end = torch.where(is_wall, wall_end, _rows({k: b for k, (_, b) in _SKY.items()}, kind))
    ground = _rows({k: a for k, (a, _) in _GROUND.items()}, kind)
    ground_end = _rows({k: b for k, (_, b) in _GROUND.items()}, kind)

    t = (y + 1.0) * 0.5
    horizon = torch.where(is_wall, 3.0, -0.05 + 0.5 * how("horizon"))
    # Everything that depends on y alone is computed on one column and spread by the last blend.
    sky = sky_top + (sky_end - sky_top) * torch.where(
        is_wall, t, ((y + 1.0) / (horizon + 1.0)).clamp(0.0, 1.0)
    )
    land = ground + (ground_end - ground) * ((y - horizon) / 0.8).clamp(0.0, 1.0)

    sky, land = sky * bright, land * bright
    image = sky.expand(-1, -1, -1, x.shape[-1]).clone()
    side = torch.where(how("layout") < 0.5, -1.0, 1.0)
    disc_x = side * (0.42 + 0.4 * how("second_hue"))
    disc_y = horizon - 0.15 - 0.45 * how("hue")
    distance = length(x - disc_x, y - disc_y)
    glow = bump(distance * distance / 0.36) * 0.35 * has_disc
    disc = soft(distance - 0.17, 0.04) * has_disc
    blend(image, torch.maximum(glow, disc), _rows(_DISC, kind))
    hill = is_meadow * 0.22 * (1.0 - (x - side * 0.5) * (x - side * 0.5))
    blend(image, soft(horizon - y - hill, 0.05), land)

    # Soft discs of light: a faint few in every image, many in a busy one.
    busy = how("busy")
    for k in range(_SPOTS):
        a = fraction(how("layout") * 7.31 + k * 0.618034)
        b = fraction(how("layout") * 3.77 + k * 0.754878 + how("hue"))
        c = fraction(how("layout") * 11.9 + k * 0.569840)
        radius = 0.12 + 0.22 * c
        strength = ((busy * 9.0 - k) * 0.5).clamp(0.0, 1.0) * (0.30 + 0.35 * busy)
        if not bool((strength > 0.0).any()):
            continue
        dx, dy = x - (a * 2.4 - 1.2), y - (b * 1.9 - 1.15)
        # The squared distance is steep enough at the rim to give an edge some 6 pixels wide.
        disc = (dx * dx).add(dy * dy).neg_().add_(radius * radius).mul_(5.0 / radius)
        tone = hue(how("second_hue") + c * 0.45, 0.45, 0.55 + 0.45 * b)
        blend(image, disc.clamp_(0.0, 1.0).mul_(strength), tone)
    return image


def blend(image: Tensor, alpha: Tensor, colour: Tensor) -> None:
    """Paints `colour` with opacity `alpha` (N,1,h,w) over `image` (N,3,h,w), in place.

    `torch.lerp` would be one step, but its fused rounding depends on how the work is split.
    """
    image.add_(torch.sub(colour, image).mul_(alpha))
