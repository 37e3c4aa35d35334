"""Smooth pictures, masks and faces in them."""

import torch

from facea_core.types import BackboneSpec, Box, FaceAttributes

SPEC = BackboneSpec("test", 128, 4, 8, {}, 48, "epsilon", 1.0)


def smooth_image(height, width):
    y = torch.linspace(0, 1, height).view(1, 1, -1, 1)
    x = torch.linspace(0, 1, width).view(1, 1, 1, -1)
    return torch.cat(
        [0.5 + 0.4 * (a * x + b * y).sin() for a, b in [(3, 2), (1, 4), (2, 2)]], dim=1
    )


MASKS = {
    "inside": ((150, 201), (60, 40, 120, 110)),
    "border": ((150, 201), (150, 0, 201, 80)),
    "everything": ((97, 83), (0, 0, 83, 97)),
    "pixel": ((64, 65), (30, 31, 31, 32)),
    "line": ((120, 120), (0, 60, 120, 61)),
    "large": ((700, 900), (200, 100, 700, 600)),
}


def face(size=(128, 128), box=(40, 40, 90, 100), parts=()):
    return FaceAttributes(size, Box(*box), 1.0, parts)
