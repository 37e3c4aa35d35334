"""A painting of four people, and a photograph of one."""

import pytest
import torch
from PIL import Image

from facea_core.io.images import from_pil
from facea_core.synthetic.render import paint, sample_people, sample_scenes

from .known import COUNT


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))


@pytest.fixture(scope="module")
def pixels():
    """The left upper part of skimage's astronaut, (260, 320, 3) bytes: one frontal face."""
    data = pytest.importorskip("skimage.data")
    return data.astronaut()[:260, 60:380].copy()


@pytest.fixture(scope="module")
def image(pixels):
    return from_pil(Image.fromarray(pixels))
