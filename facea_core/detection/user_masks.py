"""Masks that the user drew: they outweigh what a detector says of a part, or of the whole face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..attributes import ATTRIBUTES, attribute_table
from ..errors import ConfigError, MaskError
from ..io.images import EDGE, check_image, check_mask, resize
from ..io.mask_files import read_mask
from ..masks import mask_box, without_unseen
from ..types import Box, FaceAttributes, Part, Size
from .base import FACE, OWN_MASK
from .estimate import without_notes_on

OwnMasks = Mapping[str, Tensor]
"""Of one image: attribute -> mask (1, 1, H, W), values in [0, 1]."""

_STRETCH = 0.02
"""How far the shapes of a mask and its image may differ: a mask is scaled and never distorted."""


def own_masks(
    count: int, names: str | Sequence[str], masks: Sequence[Tensor]
) -> tuple[OwnMasks, ...]:
    """The masks by image and attribute, for `count` images.

    `names` are attributes ("eyes, mouth"); `masks (1, 1, H, W)` are one per name, the same for
    every image, or one per image and name: all of image 1, then image 2 ... A mask that is
    0 all over says nothing and is left out. Raises ConfigError for an unknown name, MaskError for
    another number of masks or one that is none.
    """
    if not masks:
        return ({},) * count
    attributes = [one.name for one in attribute_table(names)]
    per_picture = len(masks) == count * len(attributes)
    if not per_picture and len(masks) != len(attributes):
        raise MaskError(
            f"there are {len(masks)} masks for {len(attributes)} attributes "
            f"({', '.join(attributes)}) and {count} pictures; give {len(attributes)}, the same for "
            f"every picture, or {count * len(attributes)}: all of picture 1, then picture 2 ..."
        )
    checked = [_checked(mask, f"mask {i}") for i, mask in enumerate(masks, start=1)]
    rows = [
        checked[i * len(attributes) : (i + 1) * len(attributes)] if per_picture else checked
        for i in range(count)
    ]
    return tuple(
        {name: mask for name, mask in zip(attributes, row, strict=True) if mask.any()}
        for row in rows
    )


def read_own_masks(photos: Sequence[str | Path], folder: str | Path) -> tuple[OwnMasks, ...]:
    """The masks of each photo in `folder`: `<photo's name without ending>.<attribute>.png`.

    White is the part. A photo may have none. Raises MaskError if the folder is missing, or holds no
    mask of these photos, or one that could be of two of them; ConfigError for a photo's mask of an
    unknown attribute.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MaskError(f"there is no folder of masks at {folder}; check the path")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
    answers = []
    named = {photo.stem: photo for photo in reversed([Path(photo) for photo in photos])}
    for photo in photos:
        found = {}
        for path in files:
            stem, _, name = path.stem.rpartition(".")
            if stem != Path(photo).stem:
                continue
            if named[stem] != Path(photo):
                raise MaskError(
                    f"{path} could be a mask of {named[stem]} or of {photo}; give the photos "
                    "different names"
                )
            if name not in ATTRIBUTES:
                raise ConfigError(
                    f"{path}: unknown attribute {name!r}; name it {stem}.<attribute>.png with one "
                    f"of {', '.join(ATTRIBUTES)}"
                )
            mask, _ = read_mask(path)
            if mask.any():
                found[name] = mask
        answers.append(found)
    if photos and not any(answers):
        example = f"{Path(photos[0]).stem}.mouth.png"
        raise MaskError(
            f"{folder} holds no mask of these photos (or only black ones); name them like {example}"
        )
    return tuple(answers)


def fitted(own: OwnMasks, image: Tensor, name: str = "the image") -> OwnMasks:
    """The masks in the size of `image` `(1, 3, H, W)`, float32 on the CPU.

    Raises MaskError for a mask of another shape than the image's, and for one that is nowhere
    above 0.5 and so marks nothing.
    """
    answers = {}
    for attribute, drawn in own.items():
        if not drawn.any():
            continue
        mask = _in_size(drawn, image, f"{name}: the mask of {attribute!r}")
        if not (mask > EDGE).any():
            raise MaskError(
                f"{name}: the mask of {attribute!r} marks nothing (its strongest value is "
                f"{float(drawn.max()):.2g}); paint the part with 1, not too thin"
            )
        answers[attribute] = mask
    return answers


def region_of(mask: Tensor, image: Tensor, name: str = "the image") -> Tensor:
    """A mask (1, 1, h, w) of where to look, in the size of `image` `(1, 3, H, W)`.

    Black all over is nowhere. Raises MaskError for a mask of another shape than the image's.
    """
    return _in_size(mask, image, f"{name}: the region")


def put_on(
    faces: Sequence[FaceAttributes], own: OwnMasks, size: Size
) -> tuple[FaceAttributes, ...]:
    """The faces of an image of `size` (H, W); the first one wears the masks, already `fitted`.

    A mask replaces the part that was detected, or adds it (score 1, box from the mask); one of the
    face is the face from now on. An image without a face gets one from its own mask of the face;
    without such a mask nothing changes.
    """
    faces = tuple(faces)
    if not own or (not faces and FACE not in own):
        return faces
    if not faces or (faces[0].score == 0 and FACE in own):
        # A face of score 0 stands for a whole image in which none was seen.
        box = _box(own[FACE])
        faces = (FaceAttributes(size, box, 1.0, detector=OWN_MASK), *faces[1:])
    first = faces[0]
    parts = {part.attribute: part for part in first.parts}
    for name, mask in own.items():
        parts[name] = Part(name, _box(mask), 1.0, mask)
    face = parts[FACE].box if FACE in own else first.face
    notes = (*without_notes_on(first.notes, own.keys()), f"own mask: {', '.join(own)}")
    return (replace(first, face=face, parts=tuple(parts.values()), notes=notes), *faces[1:])


def _box(mask: Tensor) -> Box:
    """Around what the mask surely covers: its faint fringe is no part of the part."""
    box = mask_box((mask > 0.5).float())
    assert box is not None  # fitted() lets no other mask through
    return box


def _in_size(mask: Tensor, image: Tensor, what: str) -> Tensor:
    image = check_image(image)
    size = (image.shape[-2], image.shape[-1])
    mask = _checked(mask, what)
    height, width = mask.shape[-2:]
    if abs(width * size[0] / (height * size[1]) - 1) > _STRETCH + 1 / min(size):
        raise MaskError(
            f"{what} is {width}x{height} pixels and the picture {size[1]}x{size[0]}; draw it on "
            "this picture"
        )
    return without_unseen(check_mask(resize(mask, size, mask=True), image))


def _checked(mask: Tensor, name: str) -> Tensor:
    try:
        mask = check_mask(mask.detach().to("cpu"), mask)
    except MaskError as error:
        raise MaskError(f"{name}: {error}") from error
    if len(mask) != 1:
        raise MaskError(f"{name}: it holds {len(mask)} masks; give one (1, 1, height, width) each")
    return mask
