"""Images in and out: files, PIL, tensors, crops.

Image float32 `(B, 3, H, W)` RGB in [0, 1], mask float32 `(B, 1, H, W)` in [0, 1], on the CPU unless
the caller's tensor is elsewhere. `size` is (H, W).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..errors import (
    AssetError,
    FaceAError,
    ImageError,
    MaskError,
    quoted,
    shortened,
)
from ..types import Box, Size
from .colour import srgb_chunks, srgb_profile
from .files import atomic_path
from .image_files import LONGEST, MIN_SIDE, flatten, read_picture

LUMA = (0.299, 0.587, 0.114)
"""How much red, green and blue count (ITU-R BT.601)."""

EDGE = 0.5
"""From this value on a mask is repainted: the rule of ComfyUI, training and composing."""

MOST_OUTSIDE = 4
"""How many times as many pixels as lie inside an image a crop of it may have."""

_GLANCE = 16
"""Side of a glance in pixels."""

_SAME_SCENE = 0.6
"""Correlation of glances: of an image before and after a face was repainted 0.9 and more."""

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {},
    "JPEG": {"quality": 97, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True},
}

LOSSY = "JPEG"
"""The format, of those that `picture_format` knows, that changes every pixel a little."""


def load_image(path: str | Path, longest: int | None = LONGEST) -> tuple[Tensor, tuple[str, ...]]:
    """Reads an image file: `(1, 3, H, W)` in [0, 1] and notes on what was done to it.

    EXIF rotation is applied, transparency laid over white, grey, palette, CMYK and 16-bit images
    become 8-bit-equivalent sRGB; of an animation the first frame is taken. A side longer than
    `longest` pixels is reduced to it; None keeps every pixel. Raises ImageError if the file is
    missing, unreadable, truncated, a camera raw, larger than any camera's or has a side under 16
    px, and MissingDependencyError for HEIC without its plug-in.
    """
    rgb, notes = read_picture(path, longest)
    return _tensor(rgb), notes


def glance(image: Tensor) -> Tensor:
    """What of image (1, 3, H, W) is seen from afar: (256,) grey, mean 0, length 1 (0 if plain)."""
    small = F.adaptive_avg_pool2d(image.float(), _GLANCE).mean(dim=1).flatten()
    small = small - small.mean()
    # Below it there is only noise, which is like nothing.
    return F.normalize(small, dim=0) if float(small.std()) > 0.01 else torch.zeros_like(small)


def glances(images: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The glance of each image, as rows of one tensor.

    Small ones of their own, made between frames of a video, would keep the frames' memory taken.
    """
    rows = torch.empty(len(images), _GLANCE**2)
    for row, image in zip(rows, images, strict=True):
        row.copy_(glance(image))
    return rows.unbind()


def other_scene(one: Tensor, other: Tensor) -> bool:
    """Whether two glances are of different images, and not of one that was worked on."""
    return bool(one.any() and other.any()) and float(one @ other) < _SAME_SCENE


def picture_format(path: str | Path) -> str:
    """PIL's name of the format that `save_image` writes, by the ending; AssetError for others."""
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise AssetError(
            f"cannot write {shortened(path)}: unknown ending {quoted(ending)}; use one of "
            f"{', '.join(_FORMATS)}"
        )
    return _FORMATS[ending]


def save_image(image: Tensor, path: str | Path) -> None:
    """Writes `(1, 3, H, W)` or `(3, H, W)` as PNG, JPEG or WebP, by the ending of `path`.

    PNG and WebP keep every pixel, JPEG (`LOSSY`) does not. Colours are marked as sRGB. The file
    appears complete or not at all. What a model painted is written by `saving.save_generated`.
    Raises AssetError if the file cannot be written or its ending is unknown.
    """
    path, form, picture = Path(path), picture_format(path), to_pil(image)
    options: dict = dict(_OPTIONS[form])
    if form != "PNG" and picture.mode == "RGB":
        options["icc_profile"] = srgb_profile()
    if form == "PNG":
        options["pnginfo"] = srgb_chunks()
    with atomic_path(path) as temporary:
        picture.save(temporary, format=form, **options)


def from_pil(picture: Image.Image) -> Tensor:
    """`(1, 3, H, W)` from a PIL image of any mode; the same treatment as `load_image`."""
    return _tensor(flatten(picture)[0])


def from_bytes(data: bytes) -> Tensor:
    """`(1, 3, H, W)` from the bytes of an image file. Raises ImageError if they are none."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return from_pil(opened)
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"these bytes are no picture ({error}); write the file again") from error


def to_pil(image: Tensor) -> Image.Image:
    """PIL image from `(1, C, H, W)` or `(C, H, W)` in [0, 1]: 1 (mask), 3 (RGB) or 4 channels."""
    single = image[0] if image.ndim == 4 and len(image) == 1 else image
    if single.ndim != 3 or single.shape[0] not in (1, 3, 4):
        raise ImageError(f"one picture (1, 3, H, W) is needed, not shape {tuple(image.shape)}")
    pixels = single.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()
    array = pixels.permute(1, 2, 0).numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def to_rgb(image: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """`(B, 3, H, W)` and notes from an image of 1 (grey), 3 or 4 (alpha over white) channels.

    For the public functions of the core. Raises ImageError otherwise.
    """
    if image.ndim != 4 or image.shape[1] not in (1, 3, 4):
        raise ImageError(f"an image (B, 3, H, W) is needed, not shape {tuple(image.shape)}")
    if image.shape[1] == 1:
        return image.expand(-1, 3, -1, -1), ("greyscale made RGB",)
    if image.shape[1] == 4:
        colour, alpha = image[:, :3], image[:, 3:]
        return colour * alpha + (1 - alpha), ("transparency laid over white",)
    return image, ()


def check_image(image: Tensor) -> Tensor:
    """The image as float32 `(B, 3, H, W)` in [0, 1], or ImageError with what is wrong with it."""
    _check_tensor(image, 3, "image", ImageError)
    if min(image.shape[-2:]) < MIN_SIDE:
        height, width = image.shape[-2:]
        raise ImageError(
            f"the image is {width}x{height} pixels; give at least {MIN_SIDE}x{MIN_SIDE}"
        )
    return _unit(image, "image", ImageError)


def check_mask(mask: Tensor, image: Tensor) -> Tensor:
    """The mask as float32 `(1 or B, 1, H, W)` in [0, 1] that fits `image` `(B, 3, H, W)`.

    Raises MaskError if its rank, channels, size, batch or values do not fit.
    """
    _check_tensor(mask, 1, "mask", MaskError)
    if mask.shape[-2:] != image.shape[-2:]:
        raise MaskError(
            f"the mask is {mask.shape[-1]}x{mask.shape[-2]} pixels and its image "
            f"{image.shape[-1]}x{image.shape[-2]}; resize the mask to the image"
        )
    if len(mask) not in (1, len(image)):
        raise MaskError(
            f"there are {len(mask)} masks for {len(image)} images; give one, or one per image"
        )
    return _unit(mask, "mask", MaskError)


def luma_of(image: Tensor) -> Tensor:
    """Luma `(B, 1, H, W)` of `(B, 3, H, W)`."""
    return (image * image.new_tensor(LUMA).view(3, 1, 1)).sum(dim=1, keepdim=True)


def resize(image: Tensor, size: Size, *, mask: bool = False) -> Tensor:
    """Antialiased resampling of `(B, C, H, W)` to `size` (H, W), values kept in [0, 1].

    Bicubic for images, bilinear for masks (no overshoot, soft edges stay soft). At the same size
    the input comes back as it is.
    """
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    mode = "bilinear" if mask else "bicubic"
    return F.interpolate(image, size=tuple(size), mode=mode, antialias=True).clamp(0, 1)


def crop(image: Tensor, box: Box, fill: str = "border") -> Tensor:
    """`(B, C, box.height, box.width)` of `(B, C, H, W)`; the box may reach outside.

    Outside the image its border is repeated, or, with fill="zero" (for masks), there is 0. Raises
    ImageError for an empty box.
    """
    if box.width <= 0 or box.height <= 0:
        raise ImageError(f"cannot cut out the empty box {tuple(box)}; it has no pixels")
    height, width = image.shape[-2:]
    if fill == "zero":
        inside = box.clip((height, width))
        cut = image[..., inside.y0 : inside.y1, inside.x0 : inside.x1]
        if inside.area == 0:
            return image.new_zeros(*image.shape[:-2], box.height, box.width)
        pad = (inside.x0 - box.x0, box.x1 - inside.x1, inside.y0 - box.y0, box.y1 - inside.y1)
        return F.pad(cut, pad)
    rows = torch.arange(box.y0, box.y1, device=image.device).clamp(0, height - 1)
    columns = torch.arange(box.x0, box.x1, device=image.device).clamp(0, width - 1)
    return image[..., rows, :][..., columns]


def cut(image: Tensor, box: Box, size: Size) -> Tensor:
    """`resize(crop(image, box), size)`; most of `box` may lie outside a long and narrow image.

    There each axis is resampled by itself, the one that reaches outside the least first, so that
    memory grows with the image and not with the square around it; rounding may differ.
    """
    height, width = image.shape[-2:]
    if box.area <= MOST_OUTSIDE * box.clip((height, width)).area:
        return resize(crop(image, box), size)
    if box.width / width < box.height / height:
        image = resize(crop(image, Box(box.x0, 0, box.x1, height)), (height, size[1]))
        return resize(crop(image, Box(0, box.y0, size[1], box.y1)), size)
    image = resize(crop(image, Box(0, box.y0, width, box.y1)), (size[0], width))
    return resize(crop(image, Box(box.x0, 0, box.x1, size[0])), size)


def _check_tensor(tensor: Tensor, channels: int, noun: str, error: type[FaceAError]) -> None:
    if tensor.ndim != 4 or tensor.shape[1] != channels or 0 in tensor.shape:
        raise error(
            f"the {noun} has shape {tuple(tensor.shape)}; (B, {channels}, height, width) is needed"
        )
    if not tensor.is_floating_point():
        raise error(
            f"the {noun} holds {tensor.dtype} numbers; convert it to float32 in [0, 1] "
            "(divide bytes by 255)"
        )


def _unit(tensor: Tensor, noun: str, error: type[FaceAError]) -> Tensor:
    tensor = tensor.float()
    low, high = (float(value) for value in torch.aminmax(tensor.detach()))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise error(f"the {noun} holds NaN or infinite values; what made it has failed")
    # A resampling filter overshoots a little; another scale (bytes, [-1, 1]) goes far outside.
    if low < -0.5 or high > 1.5:
        raise error(f"the {noun} has values from {low:.3g} to {high:.3g}; scale them to [0, 1]")
    return tensor.clamp(0, 1) if low < 0 or high > 1 else tensor


def _tensor(rgb: Image.Image) -> Tensor:
    array = np.array(rgb, dtype=np.uint8)
    return torch.from_numpy(array).permute(2, 0, 1)[None].float().div_(255)
