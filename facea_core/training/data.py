"""What a run learns from: crops of the photos as latents.

Encoded once, so that the loop needs no autoencoder. Mean and deviation are kept where it has both,
so latents still vary between steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..backbone import LatentDistribution, latent_mask, masked_image
from ..errors import MaskError
from ..io.images import check_image, cut
from ..masks import mask_box
from ..types import Box, OnTick, Photo
from .config import TrainConfig
from .draws import Draw, Rows, draw_step
from .tasks import (
    GLOBAL,
    crop_box,
    face_prompts,
    face_region,
    face_shape,
    head_shape,
    part_boxes,
    region_mask,
    task_names,
)

if TYPE_CHECKING:
    from ..backbone import Backbone


@dataclass(frozen=True, eq=False)
class LatentCache:
    """Examples on the backbone's device, float32; an example is one mask in one crop of one photo.

    `clean` is `(N, C, h, w)` by crop; `masked (M, C, h, w)` and `mask (M, 1, h, w)` in {0, 1} by
    example; `crop_of (M,)` says which crop an example belongs to.
    """

    clean: LatentDistribution
    masked: LatentDistribution
    mask: Tensor
    crop_of: Tensor
    rows: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, h, w) of a latent."""
        return tuple(self.clean.mean.shape[1:])

    @property
    def samples(self) -> int:
        """How many standard normals per item `gather` takes: 2, or 0 without a deviation."""
        return 0 if self.clean.std is None else 2

    def draw(self, config: TrainConfig, generator: torch.Generator) -> Draw:
        """Everything random about a step, on this cache's device: `draw_step`."""
        return draw_step(
            self.rows, config, self.shape, generator,
            samples=self.samples, device=self.mask.device,
        )  # fmt: skip

    def gather(self, rows: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(latent, mask, masked latent) of examples `rows (B,)`; `noise (samples, B, C, h, w)`."""
        crops = self.crop_of[rows]
        clean, masked = noise if self.samples else (None, None)
        latent = _pick(self.clean, crops).sample(clean)
        return latent, self.mask[rows], _pick(self.masked, rows).sample(masked)


@dataclass(frozen=True, eq=False)
class Crop:
    """One crop of a photo at native resolution R, and what its tasks repaint.

    `image (1, 3, R, R)`; `masks` are `(1, 1, R, R)` in {0, 1} by task: the whole face under
    `GLOBAL`, which comes first, and each part that the crop shows.
    """

    image: Tensor
    masks: Mapping[str, Tensor]

    @property
    def face(self) -> Tensor:
        """The mask of the whole face."""
        return self.masks[GLOBAL]


def build_cache(
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    generator: torch.Generator,
    on_encode: OnTick | None = None,
) -> LatentCache:
    """Crop each photo `config.crops` times, mask each crop for its tasks, encode everything.

    `on_encode` is called with (crops encoded, crops in all) before every image that is encoded. The
    first crop of a photo is not jittered. Where a crop does not show a part, the whole face of that
    crop takes its place.
    """
    number = {task: row for row, task in enumerate(task_names(config))}
    shown = [list(part_boxes(photo, config.table)) if config.has_local else [] for photo in photos]
    most = max(1, *map(len, shown))
    crops = config.crops(len(photos))
    face = torch.zeros(len(photos), crops, dtype=torch.long)
    parts = torch.zeros(len(photos), crops, most, dtype=torch.long)
    counts = torch.ones(len(photos), dtype=torch.long)
    clean, masked, masks, crop_of, task_of = [], [], [], [], []

    def tick() -> None:
        if on_encode is not None:
            on_encode(len(clean), len(photos) * crops)

    for p, photo in enumerate(photos):
        counts[p] = max(len(shown[p]), 1)
        for v in range(crops):
            crop = crop_example(photo, backbone, config, generator if v else None, number=p + v)
            face[p, v] = len(task_of)
            parts[p, v] = len(task_of)
            for k, name in enumerate(shown[p]):
                if name in crop.masks:
                    parts[p, v, k] = len(task_of) + list(crop.masks).index(name)
            mask = torch.cat(list(crop.masks.values()))
            if not mask.flatten(1).any(1).all():
                height, width = photo.attributes.size
                raise MaskError(
                    f"{photo.name or f'photo {p + 1}'} of {width} x {height} pixels: so narrow a "
                    f"face is not to be seen at {backbone.spec.resolution} px; use another photo"
                )
            image = _encode(backbone, crop.image, tick)
            masked.append(_encode(backbone, masked_image(crop.image, mask), tick))
            clean.append(image)
            masks.append(latent_mask(mask, backbone.spec.latent_factor))
            crop_of += [len(clean) - 1] * len(crop.masks)
            task_of += [number[name] for name in crop.masks]
    device = backbone.device
    return LatentCache(
        clean=_join(clean),
        masked=_join(masked),
        mask=torch.cat(masks).to(device),
        crop_of=torch.tensor(crop_of, device=device),
        rows=Rows(
            asked=torch.tensor(face_prompts(config, [photo.caption for photo in photos])),
            face=face,
            parts=parts,
            counts=counts,
            tasks=torch.tensor(task_of),
        ),
    )


def crop_example(
    photo: Photo,
    backbone: Backbone,
    config: TrainConfig,
    generator: torch.Generator | None = None,
    number: int = 0,
) -> Crop:
    """One crop of a photo, jittered if a generator is given, with masks for the config's tasks.

    Where the user drew a mask of a part or the face, that is its mask. `number` counts the crops of
    a run: an even `config.outline_share` of them, the first included, has the outline of the head
    as the mask of the whole face.
    """
    spec = backbone.spec
    region, shape = whole_face(photo, config, number)
    box = crop_box(region, photo.attributes.size, config, generator)
    side = (spec.resolution, spec.resolution)
    image = cut(check_image(photo.image).cpu(), box, side)
    masks = {GLOBAL: region_mask(region, box, spec, config.mask_jitter, generator, shape)}
    own = {part.attribute: part.mask for part in photo.attributes.parts}
    for name, part in part_boxes(photo, config.table).items() if config.has_local else ():
        grown = part.grow(config.part_grow)
        mask = region_mask(grown, box, spec, config.mask_jitter, generator, own.get(name))
        if mask.any():
            masks[name] = mask
    if config.flip and generator is not None and torch.rand(1, generator=generator).lt(0.5).all():
        return Crop(image.flip(-1), {name: mask.flip(-1) for name, mask in masks.items()})
    return Crop(image, masks)


def whole_face(photo: Photo, config: TrainConfig, number: int = 0) -> tuple[Box, Tensor | None]:
    """What crop `number` repaints of a photo as a whole, and the shape of it unless it is a box."""
    share = config.outline_share
    if number * share % 1 < share:
        shape = head_shape(photo, config)
        return mask_box(shape) or face_region(photo, config), shape
    return face_region(photo, config), face_shape(photo)


def _encode(backbone: Backbone, images: Tensor, tick: Callable[[], None]) -> LatentDistribution:
    # One image at a time: a large autoencoder's activations would fill the memory.
    encoded = []
    for image in images.split(1):
        tick()
        encoded.append(backbone.encode_image(image))
    return _join(
        [
            LatentDistribution(e.mean.float(), None if e.std is None else e.std.float())
            for e in encoded
        ]
    )


def _pick(latents: LatentDistribution, rows: Tensor) -> LatentDistribution:
    std = None if latents.std is None else latents.std.index_select(0, rows)
    return LatentDistribution(latents.mean.index_select(0, rows), std)


def _join(latents: Sequence[LatentDistribution]) -> LatentDistribution:
    deviations = [one.std for one in latents if one.std is not None]
    mean = torch.cat([one.mean for one in latents])
    return LatentDistribution(mean, torch.cat(deviations) if deviations else None)
