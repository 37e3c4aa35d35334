"""The miniature's networks: an untrained backbone, part detector, identity encoder, and probe."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..backbone.backbone import Backbone
from ..backbone.load import asset, empty_backbone
from ..backbone.spec import TINY
from ..errors import AssetError
from ..seeds import short_seed
from .painter import PARTS
from .people import GEOMETRY, LABELS

DETECTOR_FILE = "facea-tiny-detector.safetensors"
ENCODER_FILE = "facea-tiny-identity.safetensors"
PROBE_FILE = "facea-tiny-probe.safetensors"
M = TypeVar("M", bound=nn.Module)


def random_backbone(seed: int = 0) -> Backbone:
    """facea-tiny with untrained weights drawn from `seed`; the global random state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(short_seed(seed))
        return empty_backbone(TINY)


def _conv(inside: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, out, 3, stride, padding=1, bias=False), nn.GroupNorm(8, out), nn.SiLU()
    )


class PartDetector(nn.Module):
    """Where each of `PARTS` is: image `(B, 3, 128, 128)` in [0, 1] -> logits `(B, 6, 64, 64)`.

    A logit is above 0 where the part covers the cell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Sequential(_conv(3, 16, 2), _conv(16, 24))  # 64
        self.down2 = nn.Sequential(_conv(24, 48, 2), _conv(48, 48))  # 32
        self.down3 = nn.Sequential(_conv(48, 64, 2), _conv(64, 64))  # 16
        self.down4 = nn.Sequential(_conv(64, 96, 2), _conv(96, 96), _conv(96, 64))  # 8
        self.up3 = _conv(128, 48)
        self.up2 = _conv(96, 32)
        self.up1 = _conv(56, 16)
        self.out = nn.Conv2d(16, len(PARTS), 1)

    def forward(self, image: Tensor) -> Tensor:
        a = self.down1(image - 0.5)
        b = self.down2(a)
        c = self.down3(b)
        x = self.down4(c)
        x = self.up3(torch.cat([F.interpolate(x, scale_factor=2), c], 1))
        x = self.up2(torch.cat([F.interpolate(x, scale_factor=2), b], 1))
        x = self.up1(torch.cat([F.interpolate(x, scale_factor=2), a], 1))
        return self.out(x)


class IdentityEncoder(nn.Module):
    """Who it is: head crop `(B, 3, 64, 64)` in [0, 1] -> `(B, 64)` unit vectors."""

    WIDTH = 64

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 24), _conv(24, 32, 2),  # 32
            _conv(32, 48), _conv(48, 64, 2),  # 16
            _conv(64, 64), _conv(64, 96, 2),  # 8
            _conv(96, 96), _conv(96, 32),
        )  # fmt: skip
        # Flattened, not pooled: where a feature lies is part of who it is.
        self.hidden = nn.Linear(32 * 8 * 8, 192)
        self.out = nn.Linear(192, self.WIDTH)

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


def load_part_detector(path: Path | None = None) -> PartDetector:
    """The trained detector, float32, eval mode. Raises `AssetError` if the file does not fit."""
    return _load(PartDetector(), path or asset(DETECTOR_FILE))


def load_identity_encoder(path: Path | None = None) -> IdentityEncoder:
    """The trained encoder, float32, eval mode. Raises `AssetError` if the file does not fit."""
    return _load(IdentityEncoder(), path or asset(ENCODER_FILE))


def load_attribute_probe(encoder: Path | None = None, heads: Path | None = None) -> AttributeProbe:
    """The trained probe on the trained encoder. Raises `AssetError` if a file does not fit."""
    probe = AttributeProbe(load_identity_encoder(encoder))
    readers = nn.ModuleDict({"heads": probe.heads, "geometry": probe.geometry})
    _load(readers, heads or asset(PROBE_FILE))
    return probe.eval()


def _load(model: M, path: Path) -> M:
    try:
        model.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (SafetensorError, RuntimeError, OSError) as error:
        raise AssetError(f"{path} is damaged ({error}); reinstall the pack") from error
    return model.eval().requires_grad_(False)
