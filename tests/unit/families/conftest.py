"""One narrow backbone with weights, the others as shapes."""

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.backbone.load import empty_backbone

from ...layouts import narrow_backbone
from ..hollow import built_once
from .modules import FULL


@pytest.fixture(scope="module")
def narrow() -> Backbone:
    return narrow_backbone()


@pytest.fixture(scope="module")
def full() -> dict[str, Backbone]:
    """The real configurations without their memory: shapes only."""
    with torch.device("meta"):
        return {name: empty_backbone(family) for name, family in FULL.items()}


@pytest.fixture(scope="module", autouse=True)
def _built_once():
    with built_once():
        yield
