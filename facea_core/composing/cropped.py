"""The squares that composing would paint, for anybody's sampler, and putting them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..errors import ConfigError, ImageError
from ..io.images import resize
from ..types import BackboneSpec, Composition
from .batch import Job, Jobs
from .compose import compose_faces
from .config import ComposeConfig
from .faces import Crop, TargetFace

UNCHANGED = 0.51 / 255
"""A patch no further than this from its crop is the crop, perhaps through a file of 8 bits."""


@dataclass(frozen=True, eq=False)
class FaceCrops:
    """The crops of a batch, and where they belong: `crops[j]` are those of job j, in their order.

    Each is a square of `side` pixels; of jobs without a face there are none. `notes` are those of
    the cropping.
    """

    jobs: Jobs
    side: int
    config: ComposeConfig
    crops: tuple[tuple[Crop, ...], ...]
    notes: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(map(len, self.crops))


def crop_faces(jobs: Jobs, side: int, config: ComposeConfig | None = None) -> FaceCrops:
    """What the model of composing would be shown of each face, at `side` pixels, and the masks.

    A crop near that size is cut at exactly that size, without resampling (`plan_crop`). Raises
    ImageError and MaskError for tensors that cannot be used, ConfigError if `side` is no multiple
    of 8.
    """
    if side % 8 or side < 8:
        raise ConfigError(f"the side of a crop is {side} pixels; give a multiple of 8")
    config = config or ComposeConfig()
    crops: list[tuple[Crop, ...]] = []
    notes: list[str] = []
    for number, job in enumerate(jobs, start=1):
        taken: list[Crop] = []

        def take(_: TargetFace, crop: Crop, __: Sequence[int], taken: list[Crop] = taken) -> Tensor:
            taken.append(crop)
            return crop.image

        made = compose_faces(job.image, job.faces, take, crop_spec(side), config)
        crops.append(tuple(taken))
        notes += [f"picture {number}, {note}" for note in made.notes]
    return FaceCrops(jobs, side, config, tuple(crops), tuple(notes))


def paste_faces(
    given: FaceCrops, patches: Sequence[Tensor], images: Sequence[Tensor] | None = None
) -> Iterator[tuple[Job, Composition]]:
    """Each job with its patches (1, 3, h, w) put back, in the order of `given.crops`.

    A patch that is its crop changes nothing; any other is brought to the side of the crop, matched
    in colour and blended by the mask, so that no pixel changes where that is 0. `images` are pasted
    into in place of those that were cropped, one for each job. Raises ImageError for another number
    of patches or images, a patch that is no square, and an image of another size.
    """
    if len(patches) != given.count:
        raise ImageError(
            f"there are {len(patches)} crops to paste and {given.count} were cut out; hand back as "
            "many, in the same order"
        )
    if images is not None and len(images) != len(given.jobs):
        raise ImageError(
            f"there are {len(images)} pictures to paste into and {len(given.jobs)} were cropped"
        )
    for patch in patches:
        height, width = patch.shape[-2:]
        if height != width:
            raise ImageError(
                f"a crop came back as {width}x{height} pixels and was a square; hand back squares"
            )
    waiting = iter(patches)
    for number, (job, crops) in enumerate(zip(given.jobs, given.crops, strict=True)):
        cut = iter(crops)

        def put(_: TargetFace, crop: Crop, __: Sequence[int], cut: Iterator[Crop] = cut) -> Tensor:
            patch, before = next(waiting), next(cut).image
            patch = resize(patch.detach().cpu().float(), crop.plan.size)
            # What a face before it has changed in this one's crop stays.
            return crop.image if (patch - before).abs().max() <= UNCHANGED else patch

        image = job.image if images is None else images[number]
        if image.shape != job.image.shape:
            raise ImageError(
                f"picture {number + 1} is {tuple(image.shape[-2:])} (H, W), and the crops were cut "
                f"from {tuple(job.image.shape[-2:])}; paste into a picture of that size"
            )
        yield job, compose_faces(image, job.faces, put, crop_spec(given.side), given.config)


def crop_spec(side: int) -> BackboneSpec:
    """A model of which only the size is known; it may see no detail below 8 pixels."""
    return BackboneSpec(
        family="", resolution=side, latent_channels=4, latent_factor=8, widths={}, max_tokens=0,
        prediction="", cfg=1.0,
    )  # fmt: skip
