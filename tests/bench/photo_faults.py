"""Faults that photos have, planted by chance, and honest variations without one."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from facea_core.audit.upright import Turn
from facea_core.box import Box
from facea_core.io.images import from_pil, resize, to_pil


class Dice:
    """Random numbers of one trial."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.generator))


def gaussian(image: Tensor, sigma: float) -> Tensor:
    reach = max(round(3 * sigma), 1)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    image = F.pad(image, (reach,) * 4, mode="replicate")
    image = F.conv2d(image, kernel[:, :, None], groups=3)
    return F.conv2d(image, kernel[..., None], groups=3)


def jpeg(image: Tensor, quality: int) -> Tensor:
    data = io.BytesIO()
    to_pil(image).save(data, "JPEG", quality=quality)
    return from_pil(Image.open(data))


def varied(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The photo as it could have been as well: turned a little, cut, in other light."""
    (cx, cy), height, width = face.center, *image.shape[-2:]
    room = min(cx, cy, width - cx, height - cy)
    side = 2 * max(room, 0.8 * max(face.width, face.height)) * dice.between(0.85, 1.0)
    shift = [dice.between(-0.05, 0.05) * face.width for _ in range(2)]
    turn = Turn(cx + shift[0], cy + shift[1], side, dice.between(-10, 10), min(round(side), 900))
    return turn.sample(image) ** dice.between(0.8, 1.25)


# The faults. `face` is the true or found face box; widths are shares of it.


def blurred(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """Out of focus by 3 to 6 % of the face's width, or moved by 8 to 14 %."""
    if dice.below(2):
        return gaussian(image, dice.between(0.03, 0.06) * face.width)
    length = max(round(dice.between(0.08, 0.14) * face.width), 3) | 1
    padded = F.pad(image, (length // 2, length // 2, 0, 0), mode="replicate")
    return F.avg_pool2d(padded, (1, length), 1)


def copied(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The same picture smaller, compressed, in other light, mirrored, noisy or cut."""
    height, width = image.shape[-2:]
    kinds: list[Callable[[], Tensor]] = [
        lambda: resize(image, (round(height * 0.6), round(width * 0.6))),
        lambda: jpeg(image, 30),
        lambda: (image * 1.2 + 0.02).clamp(0, 1),
        lambda: image**1.4,
        lambda: image.flip(-1),
        lambda: (image + 0.03 * torch.randn(image.shape, generator=dice.generator)).clamp(0, 1),
        lambda: image[..., height // 30 :, width // 30 : -(width // 25)],
    ]
    return kinds[dice.below(len(kinds))]()


def far_away(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The whole photo small in the middle of its own smeared border."""
    height, width = image.shape[-2:]
    factor = dice.between(0.09, 0.17) * max(height, width) / max(face.width, face.height)
    small = resize(image, (max(round(height * factor), 1), max(round(width * factor), 1)))
    down, across = height - small.shape[-2], width - small.shape[-1]
    pad = (across // 2, across - across // 2, down // 2, down - down // 2)
    return F.pad(small, pad, mode="replicate")


def covered(image: Tensor, mouth: Box, dice: Dice) -> Tensor:
    """Something flat over the mouth: a cloth of any colour, or skin as if there were none."""
    image, box = image.clone(), mouth.grow(1.25).clip(image.shape[-2:])
    if dice.below(2):
        colour = torch.rand(3, generator=dice.generator)
    else:
        around = mouth.grow(1.7).clip(image.shape[-2:])
        colour = image[0, :, around.y0 : around.y1, around.x0 : around.x1].flatten(1)
        colour = colour.median(dim=1).values
    image[0, :, box.y0 : box.y1, box.x0 : box.x1] = colour[:, None, None]
    return image


def darkened(image: Tensor, face: Box, dice: Dice) -> Tensor:
    return image * dice.between(0.12, 0.25)


def brightened(image: Tensor, face: Box, dice: Dice) -> Tensor:
    return (image * dice.between(2.2, 3.0) + 0.1).clamp(0, 1)


ALONE = {
    "blur": blurred,
    "tiny face": far_away,
    "missing mouth": covered,
    "too dark": darkened,
    "too bright": brightened,
}
