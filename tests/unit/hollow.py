"""The empty modules of published families, which take half a second, built once for all tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest
import torch

from facea_core.backbone import Backbone, load
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import FAMILIES, Family
from facea_core.types import BackboneSpec


@contextmanager
def built_once() -> Iterator[None]:
    """A published family's modules without memory are shared by all that load; others are not."""

    def once(family: Family, spec: BackboneSpec | None = None) -> Backbone:
        published = any(family is one for one in FAMILIES)
        if not published or torch.empty(0).device.type != "meta":
            return empty_backbone(family, spec)
        spec = spec or family.spec
        return replace(_hollow(spec.family, spec.inpainting), spec=spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "empty_backbone", once)
        yield


@cache
def _hollow(name: str, inpainting: bool) -> Backbone:
    family = next(one for one in FAMILIES if one.spec.family == name)
    with torch.device("meta"):
        return empty_backbone(family, family.variant(inpainting))
