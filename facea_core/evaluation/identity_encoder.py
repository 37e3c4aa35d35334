"""Who somebody painted is, and what they look like: small networks that read head crops."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from ..detection.painted_model import conv_block
from ..io.assets import asset, load_weights
from ..synthetic.parameters import GEOMETRY, LABELS

ENCODER_FILE = "facea-tiny-identity.safetensors"
PROBE_FILE = "facea-tiny-probe.safetensors"


class IdentityEncoder(nn.Module):
    """Who it is: head crop `(B, 3, 64, 64)` in [0, 1] -> `(B, 64)` unit vectors.

    `scale` is how wide its layers are, in those of the trained one, in steps of 8 channels.
    """

    WIDTH = 64

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        a, b, c, d, e, inside = (max(round(n * scale / 8), 1) * 8
                                 for n in (24, 32, 48, 64, 96, 192))  # fmt: skip
        self.features = nn.Sequential(
            conv_block(3, a), conv_block(a, b, 2),  # 32
            conv_block(b, c), conv_block(c, d, 2),  # 16
            conv_block(d, d), conv_block(d, e, 2),  # 8
            conv_block(e, e), conv_block(e, b),
        )  # fmt: skip
        # Flattened, not pooled: where a feature lies is part of who it is.
        self.hidden = nn.Linear(b * 8 * 8, inside)
        self.out = nn.Linear(inside, self.WIDTH)

    def describe(self, crop: Tensor) -> Tensor:
        """The layer below the embedding, `(B, 192)`."""
        return F.silu(self.hidden(self.features(crop - 0.5).flatten(1)))

    def forward(self, crop: Tensor) -> Tensor:
        return F.normalize(self.out(self.describe(crop)), dim=-1)


class Seen(NamedTuple):
    """What a probe sees in B heads: `vector (B, 64)` not yet of unit length, logits `(B, n)` by
    question, and `geometry (B, len(GEOMETRY))`."""

    vector: Tensor
    classes: dict[str, Tensor]
    geometry: Tensor


QUESTIONS: dict[str, int] = {**LABELS, "smile": 2, "open_mouth": 2}
"""What a probe answers, and how many answers there are."""


class AttributeProbe(nn.Module):
    """Reads the painter's attributes off head crops: linear heads on an identity encoder.

    The measures are read off the embedding itself, so it has to hold them.
    """

    def __init__(self, encoder: IdentityEncoder | None = None) -> None:
        super().__init__()
        self.encoder = encoder or IdentityEncoder()
        inside = self.encoder.hidden.out_features
        self.heads = nn.ModuleDict({name: nn.Linear(inside, n) for name, n in QUESTIONS.items()})
        self.geometry = nn.Linear(IdentityEncoder.WIDTH, len(GEOMETRY))

    def look(self, crop: Tensor) -> Seen:
        """`crop (B, 3, 64, 64)` in [0, 1]."""
        hidden = self.encoder.describe(crop)
        vector = self.encoder.out(hidden)
        answers = {name: head(hidden) for name, head in self.heads.items()}
        return Seen(vector, answers, self.geometry(vector))


def load_identity_encoder(path: Path | None = None) -> IdentityEncoder:
    """The trained encoder, float32, eval mode. Raises `AssetError` if the file does not fit."""
    return load_weights(IdentityEncoder(), path or asset(ENCODER_FILE))


def load_attribute_probe(encoder: Path | None = None, heads: Path | None = None) -> AttributeProbe:
    """The trained probe on the trained encoder. Raises `AssetError` if a file does not fit."""
    probe = AttributeProbe(load_identity_encoder(encoder))
    readers = nn.ModuleDict({"heads": probe.heads, "geometry": probe.geometry})
    load_weights(readers, heads or asset(PROBE_FILE))
    return probe.eval()
