"""Who is painted over which face of a template."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import ConfigError
from ..evaluation import Embedder, embed_faces
from ..types import FaceAttributes, Photo
from .template import Template


def seats_in_order(template: Template, people: int) -> list[FaceAttributes]:
    """A face for each of so many people: the largest ones, from left to right."""
    largest = sorted(template.faces, key=lambda face: -face.face.area)[:people]
    return [face for face in template.faces if face in largest]


def seats_by_likeness(
    template: Template, photos: Sequence[Sequence[Photo]], embedder: Embedder
) -> list[FaceAttributes]:
    """A face for each person, so that all together are most like the faces that they replace.

    `photos` are those of each person. Raises ConfigError if there are none of somebody.
    """
    lacking = [number for number, some in enumerate(photos, start=1) if not some]
    if lacking:
        raise ConfigError(
            f"people are seated by likeness, and there are no photos of person {lacking[0]}; give "
            "some of everybody, or seat people from left to right"
        )
    from scipy.optimize import linear_sum_assignment

    seen = embed_faces([Photo(template.image, face) for face in template.faces], embedder)
    nearest = [(embed_faces(some, embedder) @ seen.T).amax(dim=0) for some in photos]
    _, columns = linear_sum_assignment(torch.stack(nearest).numpy(), maximize=True)
    return [template.faces[column] for column in columns]
