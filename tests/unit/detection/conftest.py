"""A painting of four people."""

import pytest
import torch

from facea_core.synthetic.render import paint, sample_people, sample_scenes

from .known import COUNT


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))
