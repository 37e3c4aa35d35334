"""A photograph and a painting of a head, 128 pixels square."""

import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facea_core.io.images import from_pil
from facea_core.synthetic.render import paint, sample_people, sample_scenes


@pytest.fixture(scope="session", params=["photograph", "painting"])
def clean(request: pytest.FixtureRequest) -> torch.Tensor:
    if request.param == "photograph":
        return from_pil(Image.fromarray(astronaut()).crop((160, 40, 288, 168)))
    generator = torch.Generator().manual_seed(7)
    return paint(sample_people(1, generator), sample_scenes(1, generator)).image
