"""Pictures and masks across the border: (B, H, W, C) and (B, H, W) there, (1, C, H, W) here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ...facea_core.errors import ImageError, MaskError
from ...facea_core.images import check_image, to_rgb


def images_in(images: Tensor) -> tuple[list[Tensor], list[str]]:
    """An IMAGE as pictures (1, 3, H, W) on the CPU that the core may use, and notes.

    Alpha is laid over white. Raises ImageError for what is no picture, and for an empty batch.
    """
    if images.ndim != 4 or len(images) == 0:
        raise ImageError(
            f"a batch of pictures (B, H, W, 3) is needed, not shape {tuple(images.shape)}"
        )
    rgb, notes = to_rgb(images.detach().cpu().movedim(-1, 1))
    # A copy: ComfyUI's tensors come from inference mode, in which nothing can be trained.
    with torch.inference_mode(False):
        return list(check_image(rgb).clone().split(1)), list(notes)


def masks_in(masks: Tensor | None) -> list[Tensor] | None:
    """A MASK, one picture's or many's, as masks (1, 1, H, W). Raises MaskError."""
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
    """Pictures (B, 3, H, W) of one size as one IMAGE; it may be their own memory."""
    pictures = [image.movedim(1, -1) for image in images]
    if len(pictures) == 1:
        return pictures[0].contiguous()
    out = pictures[0].new_empty(sum(map(len, pictures)), *pictures[0].shape[1:])
    return torch.cat(pictures, out=out)


def image_of(count: int, images: Iterator[Tensor]) -> Tensor:
    """The next pictures (1, 3, H, W), all of one size, as an IMAGE of `count`.

    Each is let go before the next is asked for: hundreds of them are in memory once.
    """
    first = next(images)
    out = first.new_empty(count, *first.shape[-2:], 3)
    out[0] = first[0].movedim(0, -1)
    for at, image in zip(out[1:], images, strict=False):
        at.copy_(image[0].movedim(0, -1))
    return out


def mask_out(masks: Sequence[Tensor]) -> Tensor:
    """Masks (1, 1, H, W) of one size as a MASK."""
    return torch.cat(list(masks))[:, 0].contiguous()
