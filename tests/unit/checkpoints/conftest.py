"""Modules without memory, built once."""

from dataclasses import replace

import pytest
import torch

from facea_core.backbone import load
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import Family

from .changes import narrow


@pytest.fixture(scope="module", autouse=True)
def _built_once():
    """The empty modules of each variant, which take half a second, built once for all kinds."""
    made = {}

    def once(family: Family, spec=None):
        if torch.empty(0).device.type != "meta" or narrow(family):
            return empty_backbone(family, spec)
        key = family.spec.family, spec is None or spec.inpainting
        if key not in made:
            made[key] = empty_backbone(family, spec)
        return replace(made[key], spec=spec or family.spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "empty_backbone", once)
        yield
