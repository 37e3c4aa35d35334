"""What is measured of one picture, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from facea_core.composing import face_mask
from facea_core.evaluation import Embedder, evaluate_identity, face_crop, face_photo
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.types import Box

from .subjects import Scene, Subject

PARTS: Mapping[str, Sequence[str]] = {
    "eyes": ("eye_colour", "eye_size", "eye_roundness", "eye_spacing"),
    "nose": ("nose_length", "nose_width"),
    "mouth": ("mouth_width", "lips", "lip_colour"),
    "hair": ("hair_style", "hair_colour"),
}
"""By which questions of the probe a painted part is known."""

MEASURES: Mapping[str, str] = {
    "heldout": "likeness to photos that were not learned from, cosine",
    "training": "likeness to the photos that were learned from, cosine",
    "copy_paste": "how much nearer to a learned photo than to another one; 0 is best",
    **{
        part: f"likeness of the {part}: a probe's right answers, DINO's cosine for photos"
        for part in PARTS
    },
    "prompt": "share of what the prompt asked beside the person that is right",
    "clip_i": "CLIP-I: cosine of heads with photos that were not learned from",
    "clip_t": "CLIP-T: cosine of the picture with what it should show",
    "dino": "DINO: cosine of heads with photos that were not learned from",
    "context": "mean change of the background inside the mask, in [0, 1]; 0 is best",
    "outside": "largest change outside the mask; 0 is best",
    "diversity": "difference between pictures of one person, in that of the best possible ones",
}
"""Name -> what it says. Those that cannot be had are NaN."""


class Measurer(Protocol):
    @property
    def name(self) -> str: ...

    def measure(self, subject: Subject, scene: Scene, image: Tensor) -> dict[str, float]:
        """Figures by the names of MEASURES."""
        ...


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures pictures. The probe knows painted people only, and is None for photos; `more` are
    other models that measure, such as CLIP."""

    embedder: Embedder
    probe: AttributeProbe | None = None
    more: Sequence[Measurer] = ()

    @property
    def name(self) -> str:
        """What measures: embedder, probe and other models."""
        probe = [] if self.probe is None else ["probe"]
        return ", ".join([self.embedder.name, *probe, *(one.name for one in self.more)])

    def __call__(self, subject: Subject, scene: Scene, image: Tensor) -> dict[str, float]:
        """`image (1, 3, H, W)` is the scene with the subject painted in."""
        made = face_photo(image, scene.face)
        likeness = evaluate_identity([made], subject.photos, subject.heldout, self.embedder)
        mask, change = face_mask(scene.target), (image - scene.image).abs()
        figures = {
            "heldout": likeness.heldout,
            "training": likeness.training,
            "copy_paste": likeness.copy_paste,
            **self._read(subject, scene, image),
            "context": _context(scene, image, mask),
            "outside": float((change * (mask == 0)).max()),
        }
        for measurer in self.more:
            figures |= measurer.measure(subject, scene, image)
        return figures

    def diversity(self, subject: Subject, images: Sequence[Tensor]) -> float:
        """Of a subject's pictures, one per scene: 1 is as diverse as the answers are."""
        answers = [scene.answer for scene in subject.scenes]
        known = [answer for answer in answers if answer is not None]
        if len(images) < 2 or len(known) < len(images):
            return math.nan
        faces = [scene.face for scene in subject.scenes]
        return _spread(images, faces) / _spread(known, faces)

    @torch.no_grad()
    def _read(self, subject: Subject, scene: Scene, image: Tensor) -> dict[str, float]:
        """How sure the probe is of what is true, mean over the questions of each part."""
        if self.probe is None or subject.truth is None:
            return dict.fromkeys((*PARTS, "prompt"), math.nan)
        seen = self.probe.look(face_crop(image, scene.face, 64)).classes
        sure = {name: answer[0].softmax(dim=0) for name, answer in seen.items()}
        read = {
            part: _mean([float(sure[name][subject.truth[name]]) for name in names])
            for part, names in PARTS.items()
        }
        wanted = scene.wanted or {}
        return {**read, "prompt": _mean([float(sure[n][label]) for n, label in wanted.items()])}


def _context(scene: Scene, image: Tensor, mask: Tensor) -> float:
    if scene.answer is None or scene.free is None:
        return math.nan
    counted = ((mask > 0) & (scene.free > 0)).expand_as(image)
    return float((image - scene.answer).abs()[counted].mean())


def _spread(images: Sequence[Tensor], faces: Sequence[Box]) -> float:
    """Mean absolute difference of head crops, over all pairs."""
    pairs = zip(images, faces, strict=True)
    crops = torch.cat([face_crop(image, face, 64) for image, face in pairs])
    first, second = torch.combinations(torch.arange(len(crops))).unbind(dim=1)
    return float((crops[first] - crops[second]).abs().mean())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
