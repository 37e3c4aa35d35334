"""The miniature, and a run that nothing disturbs."""

import pytest

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.types import Identity, StepReport

from ...narrow import quick
from .training import train


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return quick(backbone, 32)


@pytest.fixture(scope="module")
def whole() -> tuple[Identity, list[StepReport]]:
    """The run that nothing disturbs."""
    return train(quick(random_backbone(0), 32))
