"""People painted into a template."""

from __future__ import annotations

from collections.abc import Sequence

from ..backbone import Backbone
from ..composing import ComposeConfig, Rank, TargetFace, compose_identity, face_mask
from ..composing.sampler import OnPaint
from ..types import Composition, FaceAttributes, Identity
from .template import Template

Sitting = tuple[Template, Sequence[FaceAttributes]]
"""A template, and the face that each person is painted over."""


def targets(
    sitting: Sitting, people: Sequence[Identity], config: ComposeConfig, prompt: str = ""
) -> list[TargetFace]:
    """What is painted, in the order of the people, each by their own words.

    `prompt` is said beside them where the template says nothing.
    """
    template, faces = sitting
    more = template.prompt or prompt
    return [
        TargetFace(
            face_mask(face, config), who, ", ".join(one for one in (who.meta.prompt, more) if one),
            keep=template.keep,
        )
        for face, who in zip(faces, people, strict=True)
    ]  # fmt: skip


def paint_portrait(
    sitting: Sitting,
    people: Sequence[Identity],
    backbone: Backbone,
    config: ComposeConfig,
    prompt: str = "",
    on_step: OnPaint | None = None,
    rank: Rank | None = None,
) -> Composition:
    """Everybody painted into the template; see `targets` and `compose_identity`."""
    faces = targets(sitting, people, config, prompt)
    image = sitting[0].image
    return compose_identity(image, faces, backbone, config, on_step=on_step, rank=rank)
