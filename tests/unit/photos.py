"""Photos of noise with a face in them, for what does not look at what a picture shows."""

import torch

from facea_core.types import Box, FaceAttributes, Part, Photo

FACE, EYES, MOUTH = Box(40, 30, 90, 100), Box(48, 52, 82, 62), Box(55, 80, 75, 90)


def make_photo(seed: int = 0, height: int = 128, width: int = 128) -> Photo:
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    parts = (Part("eyes", EYES, 0.9), Part("mouth", MOUTH, 0.9))
    return Photo(image, FaceAttributes((height, width), FACE, 0.9, parts), name=f"photo{seed}")


def small_photo() -> Photo:
    """Half the side, and nothing but the eyes."""
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    parts = (Part("eyes", Box(24, 26, 41, 31), 0.9),)
    return Photo(image, FaceAttributes((64, 64), Box(20, 15, 45, 50), 0.9, parts), name="photo")
