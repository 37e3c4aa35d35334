"""The two tasks, repaint the face and repaint one part: their prompts, crops and masks."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from ..attributes import Attribute
from ..box import square_around
from ..errors import ImageError, MaskError, quoted
from ..identity.names import placeholder
from ..identity.subject import SOMEBODY, Subject
from ..identity.words import fill_prompt, plain_prompt
from ..io.images import check_image, check_mask, resize
from ..io.images import crop as crop_image
from ..masks import head_distance, mask_box
from ..types import BackboneSpec, Box, Part, Photo, Size
from .config import TrainConfig

EMPTY, GLOBAL, PRIOR = "", "global", "prior"
"""Tasks beside the attributes, whose names are those of the local ones: no prompt, and the face."""

_ROOM = 1.1
# The smallest mask in latent pixels: a smaller one can vanish when it is rounded.
_LEAST = 2


def task_names(config: TrainConfig) -> tuple[str, ...]:
    """All tasks, in the order of the rows in which the loop counts losses."""
    prior = (PRIOR,) if config.prior_extra else ()
    return (EMPTY, GLOBAL, *(one.name for one in config.table), *prior)


def task_prompts(
    config: TrainConfig, subject: Subject, captions: Sequence[str] = ()
) -> dict[str, str]:
    """Task -> prompt, in the order in which draws number them.

    None, the whole face with all words, each part. With `prior_extra` the class alone, whose number
    is that of its task, then the face and each part in words that are not learned. Then the whole
    face of each photo that has a caption.
    """
    noun = subject.class_noun
    words = {one.name: placeholder(subject.name, one) for one in config.table}
    learned = {
        GLOBAL: fill_prompt(config.global_prompt, noun, words.values()),
        **{part: fill_prompt(config.local_prompt, noun, [word]) for part, word in words.items()},
    }
    captioned = {
        f"{GLOBAL} {number}": f"{learned[GLOBAL]}, {caption}"
        for number, caption in enumerate(captions) if caption
    }  # fmt: skip
    return {EMPTY: "", **learned, **_prior_prompts(config, noun), **captioned}


def _prior_prompts(config: TrainConfig, noun: str) -> dict[str, str]:
    if not config.prior_extra:
        return {}
    names = [one.name for one in config.table]
    return {
        PRIOR: f"a photo of a {noun}",
        f"{PRIOR} {GLOBAL}": plain_prompt(config.global_prompt, noun, names),
        **{f"{PRIOR} {one}": plain_prompt(config.local_prompt, noun, [one]) for one in names},
    }


def face_prompts(config: TrainConfig, captions: Sequence[str]) -> list[int]:
    """The number in `task_prompts` of the prompt for the whole face in each photo."""
    names = list(task_prompts(config, SOMEBODY, captions))
    own = [f"{GLOBAL} {number}" for number in range(len(captions))]
    return [names.index(name if name in names else GLOBAL) for name in own]


def check_photo(photo: Photo, table: Sequence[Attribute]) -> None:
    """Raise `ImageError` or `MaskError` for a photo that cannot be trained on, naming it."""
    try:
        _check_photo(photo, table)
    except (ImageError, MaskError) as error:
        raise type(error)(f"photo {quoted(photo.name)}: {error}") from error


def _check_photo(photo: Photo, table: Sequence[Attribute]) -> None:
    image = check_image(photo.image)
    size: Size = (image.shape[2], image.shape[3])
    if len(image) != 1:
        raise ImageError(f"it holds {len(image)} pictures; give one picture per photo")
    if size != tuple(photo.attributes.size):
        raise ImageError(
            f"it is {size} (H, W) but its face was searched in {tuple(photo.attributes.size)}; "
            "detect again on this picture"
        )
    for name, box in {"face": photo.attributes.face, **part_boxes(photo, table)}.items():
        if box.clip(size).area == 0:
            raise MaskError(
                f"the {name} box {tuple(box)} is empty inside the picture of {size} (H, W); detect "
                "again, or leave this photo out"
            )
    if not (head_distance(photo.attributes, 0.0, neck=0.0, hair=False) < 0).any():
        raise MaskError(
            f"the face at {tuple(photo.attributes.face)} only touches the picture of {size} (H, W) "
            "with a corner of its box: nothing of it is seen; leave this photo out"
        )
    for part in photo.attributes.parts:
        if part.mask is not None and not check_mask(part.mask, image).round().any():
            raise MaskError(
                f"the mask of {part.attribute!r} is empty; draw it, or leave the part out"
            )


def part_boxes(photo: Photo, table: Sequence[Attribute]) -> dict[str, Box]:
    """The parts of this photo that have a word, in the table's order. `face` is the face box."""
    found = {part.attribute: _part_box(part) for part in photo.attributes.parts}
    found.setdefault("face", photo.attributes.face)
    return {attribute.name: found[attribute.name] for attribute in table if attribute.name in found}


def part_sizes(photos: Sequence[Photo]) -> dict[str, float]:
    """The mean sides of each part in those of its face: `IdentityMeta.part_sizes`."""
    found: dict[str, list[float]] = {}
    for photo in photos:
        face = photo.attributes.face
        for part in photo.attributes.parts:
            box = _part_box(part)
            found.setdefault(f"{part.attribute}.width", []).append(box.width / face.width)
            found.setdefault(f"{part.attribute}.height", []).append(box.height / face.height)
    return {name: round(fmean(shares), 4) for name, shares in found.items()}


def face_region(photo: Photo, config: TrainConfig) -> Box:
    """What the global task repaints: the face with the hair that was found, as composing does."""
    face, hair = photo.attributes.part("face"), photo.attributes.part("hair")
    region = photo.attributes.face if face is None else _part_box(face)
    return (region.join(_part_box(hair)) if hair else region).grow(config.face_grow)


def face_shape(photo: Photo) -> Tensor | None:
    """The user's own mask of the face, `(1, 1, H, W)`, with the hair; None if there is no such."""
    face, hair = photo.attributes.part("face"), photo.attributes.part("hair")
    if face is None or face.mask is None or hair is None:
        return None if face is None else face.mask
    if hair.mask is not None:
        return torch.maximum(face.mask, hair.mask)
    shape, box = face.mask.clone(), hair.box.clip(photo.attributes.size)
    shape[..., box.y0 : box.y1, box.x0 : box.x1] = 1
    return shape


def head_shape(photo: Photo, config: TrainConfig) -> Tensor:
    """Mask `(1, 1, H, W)` in {0, 1} of the head, neck and hair: the outline that composing paints.

    Grown on each side by as much as the face box is.
    """
    face = photo.attributes.face
    grow = (config.face_grow - 1) / 2 * max(face.width, face.height)
    return (head_distance(photo.attributes, grow) < 0).float()


def _part_box(part: Part) -> Box:
    box = None if part.mask is None else mask_box((part.mask > 0.5).float())
    return box or part.box


def crop_box(
    region: Box, size: Size, config: TrainConfig, generator: torch.Generator | None = None
) -> Box:
    """A square around `region`, jittered if a generator is given, in the frame of a `size` image.

    It lies inside the image where it fits; where the region hardly fits, it reaches outside.
    """
    shift_x, shift_y, scale = _uniform(3, generator)
    unit = max(region.width, region.height)
    side = unit * config.context * (1 + config.scale_jitter * scale)
    side = max(round(min(side, max(min(size), unit * _ROOM))), 1)
    cx, cy = region.center
    shift = config.shift_jitter * side
    return square_around((cx + shift * shift_x, cy + shift * shift_y), side, size)


def region_mask(
    region: Box,
    crop: Box,
    spec: BackboneSpec,
    jitter: float,
    generator: torch.Generator | None = None,
    own: Tensor | None = None,
) -> Tensor:
    """`(1, 1, R, R)` in {0, 1} of `region` as an image of native resolution R sees it in `crop`.

    Each side moves by up to `jitter` half widths. With the user's `own` mask `(1, 1, H, W)` of the
    image, of which `region` is the grown box, the result has its shape: it grows and moves on
    each side by as much as the box does. All zero if the region lies outside the crop.
    """
    resolution, least = spec.resolution, _LEAST * spec.latent_factor
    scale = resolution / crop.width
    box = region.shift(-crop.x0, -crop.y0).scale(scale, scale)
    mask = torch.zeros(1, 1, resolution, resolution)
    if box.clip((resolution, resolution)).area == 0:
        return mask
    left, top, right, bottom = (jitter * value / 2 for value in _uniform(4, generator))
    box = Box(
        round(box.x0 + left * box.width),
        round(box.y0 + top * box.height),
        round(box.x1 + right * box.width),
        round(box.y1 + bottom * box.height),
    )
    if own is not None:
        return _shaped(own, crop, box, least, resolution)
    box = _at_least(box, least, resolution)
    mask[..., box.y0 : box.y1, box.x0 : box.x1] = 1
    return mask


def _shaped(own: Tensor, crop: Box, target: Box, least: int, resolution: int) -> Tensor:
    """The part of the `own` mask in `crop` at native resolution, spread so that it fills `target`.

    A mask that fills its box gives that box; any other one grows on each side by as much.
    """
    cut = crop_image(own.detach().to("cpu", torch.float32), crop, fill="zero")
    mask = (resize(cut, (resolution, resolution), mask=True) > 0.5).float()
    box = mask_box((own > 0.5).float())
    if box is None:
        return torch.zeros_like(mask)
    scale = resolution / crop.width
    box = box.shift(-crop.x0, -crop.y0).scale(scale, scale)
    if not mask.any():
        # Too thin for this resolution: what is left is the pixels that it touches.
        mask = (resize(cut, (resolution, resolution), mask=True) > 0).float()
    sides = ((box.y0 - target.y0, target.y1 - box.y1), (box.x0 - target.x0, target.x1 - box.x1))
    moved = _spread(_spread(mask, *sides[0], dim=2), *sides[1], dim=3)
    # A thin shape can be gone when its sides move inwards.
    mask = moved if moved.any() else mask
    while mask.any() and not mask.all() and not _large_enough(mask, least):
        mask = _spread(_spread(mask, 1, 1, dim=2), 1, 1, dim=3)
    return mask


def _spread(mask: Tensor, before: int, after: int, dim: int) -> Tensor:
    """A mask in {0, 1} with its edges moved along `dim` towards the start and the end, in pixels.

    Less than 0 moves an edge inwards. Outside the image nothing is known, and it continues.
    """
    if before + after < 0:
        return 1 - _spread(1 - mask, -after, -before, dim)
    length = mask.shape[dim]
    index = torch.arange(-after, length + before).clamp(0, length - 1)
    # Pixel i becomes 1 if any of i - after .. i + before was.
    return mask.index_select(dim, index).unfold(dim, before + after + 1, 1).amax(dim=-1)


def _large_enough(mask: Tensor, least: int) -> bool:
    """Whether it survives the rounding to the latent grid: some square of `least` pixels is in."""
    box = mask_box(mask)
    if box is None or min(box.width, box.height) < least:
        return False
    return bool(_spread(_spread(mask, 0, 1 - least, dim=2), 0, 1 - least, dim=3).any())


def _uniform(count: int, generator: torch.Generator | None) -> list[float]:
    """Numbers in [-1, 1), or zeros without a generator."""
    if generator is None:
        return [0.0] * count
    return (torch.rand(count, generator=generator) * 2 - 1).tolist()


def _at_least(box: Box, least: int, resolution: int) -> Box:
    """The box inside the image with sides of at least `least` pixels."""
    (cx, cy), width, height = box.center, max(box.width, least), max(box.height, least)
    x0 = min(max(round(cx - width / 2), 0), resolution - least)
    y0 = min(max(round(cy - height / 2), 0), resolution - least)
    x1 = min(max(round(cx + width / 2), x0 + least), resolution)
    y1 = min(max(round(cy + height / 2), y0 + least), resolution)
    return Box(x0, y0, x1, y1)
