"""The network that finds the parts of a synthetic face."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..io.assets import asset, load_weights
from ..synthetic.render import PARTS

DETECTOR_FILE = "facea-tiny-detector.safetensors"


def conv_block(inside: int, out: int, stride: int = 1) -> nn.Sequential:
    """3×3 convolution, group norm, SiLU: `(B, inside, H, W)` -> `(B, out, H/stride, W/stride)`."""
    return nn.Sequential(
        nn.Conv2d(inside, out, 3, stride, padding=1, bias=False), nn.GroupNorm(8, out), nn.SiLU()
    )


class PartDetector(nn.Module):
    """Where each of `PARTS` is: image `(B, 3, 128, 128)` in [0, 1] -> logits `(B, 6, 64, 64)`.

    A logit is above 0 where the part covers the cell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Sequential(conv_block(3, 16, 2), conv_block(16, 24))  # 64
        self.down2 = nn.Sequential(conv_block(24, 48, 2), conv_block(48, 48))  # 32
        self.down3 = nn.Sequential(conv_block(48, 64, 2), conv_block(64, 64))  # 16
        self.down4 = nn.Sequential(
            conv_block(64, 96, 2), conv_block(96, 96), conv_block(96, 64)
        )  # 8
        self.up3 = conv_block(128, 48)
        self.up2 = conv_block(96, 32)
        self.up1 = conv_block(56, 16)
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


def load_part_detector(path: Path | None = None) -> PartDetector:
    """The trained detector, float32, eval mode. Raises `AssetError` if the file does not fit."""
    return load_weights(PartDetector(), path or asset(DETECTOR_FILE))
