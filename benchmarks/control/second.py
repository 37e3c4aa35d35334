"""A head painted in one pass and in two: is the seam nearer to the painter's answer, and at what
price in likeness?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.demo import HAIR_ROOM

from ..likeness.journal import Row
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

ARMS: Mapping[str, float] = {"one pass": 0.0, "0.1": 0.1, "0.2": 0.2, "0.3": 0.3, "0.5": 0.5}
"""By name the denoising strength of the second pass."""

MEASURES: Mapping[str, str] = {
    "rim": "error of the gradients in a ring of 6 pixels about the mask's edge, in 1/1000",
    "likeness": "to photos of the person that were not learned from, cosine",
}

_RING = 3
"""Pixels to either side of the mask's edge."""


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Each scene of the person, in every arm with the same noise."""
    if not any(wanted(arm, k) for arm in ARMS for k in range(bench.flags.hosts)):
        return
    subject, identity = bench.subject(index), bench.learned(index)
    for k, scene in enumerate(subject.scenes):
        for name, denoise in ARMS.items():
            if not wanted(name, k):
                continue
            config = ComposeConfig(
                hair_room=HAIR_ROOM, seed=1000 * bench.number(index) + k, second_pass=denoise
            )
            mask = face_mask(scene.target, config)
            faces = [TargetFace(mask, identity)]
            prompt = ", ".join(text for text in (identity.meta.prompt, scene.prompt) if text)
            image = compose_identity(scene.image, faces, bench.backbone, config, prompt).image
            assert scene.answer is not None  # a painter's scene has one
            figures = {
                "rim": rim_error(image, scene.answer, mask),
                "likeness": bench.judge(subject, scene, image)["heldout"],
            }
            yield Painted(name, k, image, figures)


def rim_error(image: Tensor, answer: Tensor, mask: Tensor) -> float:
    """Mean difference of the gradients' lengths of two images (1, 3, H, W) about the edge, 0.5, of
    the mask (1, 1, H, W)."""
    inside = (mask >= 0.5).float()
    grown, shrunk = (F.max_pool2d(one, 2 * _RING + 1, 1, _RING) for one in (inside, 1 - inside))
    ring = grown * shrunk
    lengths = [_gradient(one) for one in (image, answer)]
    return float(((lengths[0] - lengths[1]).abs() * ring).sum() / ring.sum())


def _gradient(image: Tensor) -> Tensor:
    grey = F.pad(image.mean(dim=1, keepdim=True), (0, 1, 0, 1), mode="replicate")
    across, down = (
        grey[..., :-1, 1:] - grey[..., :-1, :-1],
        grey[..., 1:, :-1] - grey[..., :-1, :-1],
    )
    return torch.hypot(across, down)


def table(rows: Sequence[Row]) -> str:
    factor = {"rim": 1000, "likeness": 1}
    means = {
        (arm, name): by_person(
            rows, arm, lambda some, n=name: factor[n] * fmean(row[n] for row in some)
        )
        for arm in ARMS
        for name in MEASURES
    }
    first = next(iter(ARMS))
    lines = []
    for arm in ARMS:
        cells = [arm, *(shown(means[arm, name]) for name in MEASURES)]
        for name in MEASURES if arm != first else ():
            cells.append(shown(difference(means[arm, name], means[first, name])))
        lines.append(cells + ["–"] * (1 + 2 * len(MEASURES) - len(cells)))
    changes = [f"{name}, change" for name in MEASURES]
    return markdown(["Second pass", *MEASURES, *changes], lines)


TASK = Task(paint, table)
