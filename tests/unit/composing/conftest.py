"""A model and a picture to paint into."""

import pytest
import torch

from facea_core.backbone.load import random_backbone

from ...narrow import quick


@pytest.fixture(scope="module")
def backbone():
    """One for all, at half its side for speed: painting leaves it as it is, as a test states."""
    return quick(random_backbone(0), 64)


@pytest.fixture
def image():
    return torch.rand(1, 3, 150, 201, generator=torch.Generator().manual_seed(0))
