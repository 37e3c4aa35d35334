"""Scenes with faces, and what a batch makes of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from facea_core.backbone.spec import TINY
from facea_core.composing import ComposeConfig, Job, plan_batch
from facea_core.types import Box, DetectedFaces, FaceAttributes, Identity, IdentityMeta

CONFIG = ComposeConfig()
SIZE = (48, 64)


def picture(seed: int = 0, size: tuple[int, int] = SIZE) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


def box_mask(x0: int, x1: int, size: tuple[int, int] = SIZE) -> Tensor:
    mask = torch.zeros(1, 1, *size)
    mask[..., x0:x1] = 1
    return mask


def face(x0: int, score: float = 0.9, size: tuple[int, int] = SIZE) -> FaceAttributes:
    return FaceAttributes(size, Box(x0, 10, x0 + 12, 26), score)


def nobody(size: tuple[int, int] = SIZE) -> FaceAttributes:
    """What detection answers where it found none and lets it pass."""
    return FaceAttributes(size, Box(0, 0, size[1], size[0]), 0.0)


def found(*faces: tuple[FaceAttributes, ...]) -> DetectedFaces:
    return DetectedFaces("male", faces)


def person(name: str) -> Identity:
    meta = IdentityMeta("facea-tiny", "", "woman", f"a photo of {name}", 1, 0, 4)
    return Identity(name, (), {}, meta)


def plan(
    images, masks=None, faces=None, identities=(), prompt=""
) -> tuple[Sequence[Job], list[str]]:
    return plan_batch(images, masks, faces, identities, CONFIG, TINY.spec, prompt)


def masks_in(job: Job) -> list[Tensor]:
    return [face.mask for face in job.faces]


def identities_in(job: Job) -> list[Identity | None]:
    return [face.identity for face in job.faces]


def scene(seed: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """A picture with large shapes, as pictures have them."""
    coarse = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
