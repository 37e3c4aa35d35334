"""The miniature, and a run that nothing disturbs."""

from dataclasses import replace

import pytest

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.types import Identity, StepReport

from .training import train


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


@pytest.fixture(scope="module")
def whole() -> tuple[Identity, list[StepReport]]:
    """The run that nothing disturbs."""
    backbone = random_backbone(0)
    return train(replace(backbone, spec=replace(backbone.spec, resolution=32)))
