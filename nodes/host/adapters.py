"""Attention masks of image adapters in MODEL (IP-Adapter, PuLID, InstantID), cropped with a face.

Those packs replace attention by objects that keep what they were made with: a list `kwargs` of
dicts with a `mask`, or in older ones a list `masks`. They are known by that alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ...facea_core import composing
from ...facea_core.types import CropPlan
from .cropped import Followed, of_frame, shape_of


def adapters_in_crop(model: Any, plan: CropPlan, frame: int, followed: Followed) -> Any:
    """MODEL with its adapters' masks (B, h, w) of the whole image as they are in the crop.

    A clone; MODEL itself and its adapters stay as they are. Without such masks it is MODEL.
    """

    @cache
    def mask(given: Tensor) -> Tensor:
        if not shape_of(given, plan):
            followed.left.add("an adapter's mask of another shape than the picture's")
            return given
        followed.cropped.add("an adapter's mask")
        one = of_frame(given, frame)[:, None]
        return composing.crop_alike(one, plan, mask=True)[:, 0].to(given)

    replaced = model.model_options.get("transformer_options", {}).get("patches_replace", {})
    if not any(_has_masks(patch) for patches in replaced.values() for patch in patches.values()):
        return model
    here = {
        kind: {place: _with_masks(patch, mask) for place, patch in patches.items()}
        for kind, patches in replaced.items()
    }
    clone = model.clone()
    options = dict(clone.model_options["transformer_options"], patches_replace=here)
    clone.model_options = dict(clone.model_options, transformer_options=options)
    return clone


def _lists(patch: Any) -> Iterator[tuple[str, list[Any]]]:
    for name in ("kwargs", "masks"):
        values = getattr(patch, name, None)
        if isinstance(values, list):
            yield name, values


def _mask_of(value: Any) -> Any:
    mask = value.get("mask") if isinstance(value, dict) else value
    return mask if torch.is_tensor(mask) and mask.ndim == 3 else None


def _has_masks(patch: Any) -> bool:
    return any(_mask_of(one) is not None for _, values in _lists(patch) for one in values)


def _with_masks(patch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    copied = copy.copy(patch)
    for name, values in _lists(patch):
        setattr(copied, name, [_changed(one, change) for one in values])
    return copied


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    mask = _mask_of(value)
    if mask is None:
        return value
    return {**value, "mask": change(mask)} if isinstance(value, dict) else change(mask)
