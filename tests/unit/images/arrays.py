"""Arrays as images."""

import torch

from facea_core.io.images import (
    load_image,
)


def as_image(array):
    return torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255


def read(picture, path, **options):
    picture.save(path, **options)
    return load_image(path)
