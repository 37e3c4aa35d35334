"""A small real model for every test: untrained, on the CPU, one thread."""

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.tiny.model import random_backbone


def pytest_configure() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def backbone() -> Backbone:
    """Untrained facea-tiny, fresh for each test so that no test can mark it for another."""
    return random_backbone(0)
