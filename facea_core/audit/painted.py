"""What a probe reads off a painted face in a photo."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..evaluation import face_crop
from ..types import Box

if TYPE_CHECKING:
    from ..evaluation.identity_encoder import AttributeProbe

SURE = 0.7
"""Probability from which the probe is believed: nine of ten smiles that it names are smiles."""


@torch.no_grad()
def read_painted(image: Tensor, face: Box) -> dict[str, Tensor]:
    """Probabilities (n,) of the answers to each of `QUESTIONS` about a face in (1, 3, H, W)."""
    seen = _probe().look(face_crop(image, face, 64)).classes
    return {name: logits[0].softmax(0) for name, logits in seen.items()}


@cache
def _probe() -> AttributeProbe:
    from ..evaluation.identity_encoder import load_attribute_probe

    return load_attribute_probe()
