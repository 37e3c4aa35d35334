"""A model and a picture to paint into."""

from dataclasses import replace

import pytest
import torch

from facea_core.backbone.load import random_backbone


@pytest.fixture(scope="module")
def backbone():
    """One for all, at half its side for speed: painting leaves it as it is, as a test states."""
    tiny = random_backbone(0)
    return replace(tiny, spec=replace(tiny.spec, resolution=64))


@pytest.fixture
def image():
    return torch.rand(1, 3, 150, 201, generator=torch.Generator().manual_seed(0))
