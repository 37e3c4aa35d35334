"""Images and masks across the border: (B, H, W, C) and (B, H, W) there, (1, C, H, W) here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ...facea_core import restoring
from ...facea_core.errors import ImageError, MaskError
from ...facea_core.io.images import check_image, to_rgb
from ...facea_core.lazy import Lazy

ROOM = 256 << 20
"""Bytes of a side product: what would need more is made smaller, or only where it is wired."""


class Pictures(Lazy[Tensor]):
    """An IMAGE as images (1, 3, H, W) on the CPU, each made when it is asked for.

    Of a video one frame is in memory twice. Alpha is laid over white; `notes` say so. Raises
    ImageError for what is no image, for an empty batch, and for any frame that cannot be used.
    """

    def __init__(self, images: Tensor) -> None:
        if images.ndim != 4 or len(images) == 0:
            raise ImageError(
                f"a batch of pictures (B, H, W, 3) is needed, not shape {tuple(images.shape)}"
            )
        self._images = images.detach()
        self.notes = list(to_rgb(self._images[:1].movedim(-1, 1))[1])
        for _ in self:
            pass

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of all."""
        return self._images.shape[1], self._images.shape[2]

    def __len__(self) -> int:
        return len(self._images)

    def build(self, number: int) -> Tensor:
        image = self._images[number][None].cpu().movedim(-1, 1)
        # A copy: ComfyUI's tensors come from inference mode, in which nothing can be trained.
        with torch.inference_mode(False):
            return check_image(to_rgb(image)[0]).clone()

    @property
    def clear(self) -> bool:
        """Whether they have an alpha channel."""
        return self._images.shape[-1] == 4

    def rgba(self, number: int) -> Tensor:
        """Image (1, 4, H, W) as it came, if it has an alpha channel."""
        return self._images[number][None].cpu().float().clamp(0, 1).movedim(-1, 1)


def images_in(images: Tensor) -> tuple[Pictures, list[str]]:
    """The images of an IMAGE, and notes. Raises ImageError."""
    pictures = Pictures(images)
    return pictures, pictures.notes


def images_to_paint(images: Tensor) -> tuple[Pictures, list[str]]:
    """As `images_in`, where `Results` gives transparency back. Raises ImageError."""
    pictures = Pictures(images)
    if pictures.clear:
        return pictures, ["transparency is given back; the model saw it over white"]
    return pictures, pictures.notes


def larger(images: Tensor, scale: int) -> Tensor:
    """An IMAGE at `scale` times its size, its alpha channel along with it."""
    height, width = images.shape[1:3]
    made = restoring.enlarged(images.movedim(-1, 1).cpu().float(), (height * scale, width * scale))
    return made.movedim(1, -1)


def masks_in(masks: Tensor | None) -> list[Tensor] | None:
    """A MASK, one image's or many's, as masks (1, 1, H, W). Raises MaskError."""
    if masks is None:
        return None
    if masks.ndim == 2:
        masks = masks[None]
    if masks.ndim == 4 and masks.shape[1] == 1:
        masks = masks[:, 0]
    if masks.ndim != 3 or 0 in masks.shape:
        raise MaskError(f"masks (B, H, W) are needed, not shape {tuple(masks.shape)}")
    return list(masks.detach().cpu().float()[:, None].split(1))


def image_out(images: Sequence[Tensor]) -> Tensor:
    """Images (B, C, H, W) of one size as one IMAGE; it may be their own memory."""
    pictures = [image.movedim(1, -1) for image in images]
    if len(pictures) == 1:
        return pictures[0].contiguous()
    out = pictures[0].new_empty(sum(map(len, pictures)), *pictures[0].shape[1:])
    return torch.cat(pictures, out=out)


def image_of(count: int, images: Iterator[Tensor]) -> Tensor:
    """The next images (1, C, H, W), all of one size, as an IMAGE of `count`.

    Each is let go before the next is asked for: hundreds of them are in memory once.
    """
    first = next(images)
    stack = Stack(count)
    stack.add(first)
    for _ in range(count - 1):
        stack.add(next(images))
    return stack.image


def mask_of(count: int, masks: Iterator[Tensor]) -> Tensor:
    """The next masks (1, 1, H, W), all of one size, as a MASK of `count`; likewise."""
    return image_of(count, masks)[..., 0]


class Stack:
    """An IMAGE that is filled with images (1, C, H, W) of one size, one after the other."""

    def __init__(self, count: int) -> None:
        self._count, self._filled = count, 0
        self._image: Tensor | None = None

    def add(self, picture: Tensor) -> None:
        if self._image is None:
            _, channels, height, width = picture.shape
            self._image = picture.new_empty(self._count, height, width, channels)
        self._image[self._filled] = picture[0].movedim(0, -1)
        self._filled += 1

    def __len__(self) -> int:
        return self._filled

    @property
    def image(self) -> Tensor:
        """All of them (B, H, W, C); there is at least one."""
        assert self._image is not None
        return self._image[: self._filled]


def in_room(size: tuple[int, int], count: int) -> tuple[int, int]:
    """The size (H, W) at which `count` images fit into ROOM: this one, or smaller."""
    height, width = size
    factor = (ROOM / (12 * height * width * count)) ** 0.5
    if factor >= 1:
        return size
    return max(round(height * factor), 16), max(round(width * factor), 16)
