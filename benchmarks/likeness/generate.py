"""A person in a picture, in the way of an arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.composing import (
    ComposeConfig,
    Rank,
    TargetFace,
    blend_weight,
    compose_identity,
    face_mask,
)
from facea_core.io.images import crop, resize
from facea_core.types import Box, Identity, Photo, Size

from .arms import Arm
from .subjects import Scene, Subject

OnTick = Callable[[int, int], None]


def paint_scene(
    arm: Arm,
    subject: Subject,
    number: int,
    identity: Identity | None,
    backbone: Backbone,
    config: ComposeConfig,
    rank: Rank | None = None,
    on_step: OnTick | None = None,
) -> Tensor:
    """Scene `number` of the subject, `(1, 3, H, W)`; every arm gets the same noise for it.

    `rank` chooses where an arm paints several candidates.
    """
    scene = subject.scenes[number]
    if arm.kind == "paste":
        return paste_head(subject.photos[number % len(subject.photos)], scene)
    config = replace(config, seed=subject.number * 1000 + number, **arm.painting)
    said = subject.caption if identity is None else identity.meta.prompt
    prompt = ", ".join(text for text in (said, scene.prompt) if text)
    face = TargetFace(face_mask(scene.target, config), identity)
    return compose_identity(scene.image, [face], backbone, config, prompt, on_step, rank).image


def frame_over(
    place: tuple[float, float], target: tuple[float, float], scale: float, size: Size
) -> Box:
    """What of a photo is seen through a frame of `size` (H, W), where `place` (x, y) lies on
    `target` and `scale` of its pixels are one of the frame."""
    (fx, fy), (tx, ty), (height, width) = place, target, size
    return Box(
        round(fx - tx * scale), round(fy - ty * scale),
        round(fx + (width - tx) * scale), round(fy + (height - ty) * scale),
    )  # fmt: skip


def paste_head(photo: Photo, scene: Scene) -> Tensor:
    """The head of the photo, scaled so that its face lies on the one in the scene."""
    face, target = photo.attributes.face, scene.target.face
    height, width = scene.image.shape[-2:]
    scale = face.height / target.height
    frame = frame_over(face.center, target.center, scale, (height, width))
    head = resize(crop(photo.image, frame), (height, width))
    mask = crop(face_mask(photo.attributes), frame, fill="zero")
    weight = blend_weight(resize(mask, (height, width), mask=True))
    return torch.lerp(scene.image, head, weight)
