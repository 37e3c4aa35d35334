"""CONDITIONING of a whole image as it holds for a crop: regions, masks and ControlNet's hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...facea_core import composing
from ...facea_core.errors import ConfigError
from ...facea_core.io.images import crop
from ...facea_core.types import Box, CropPlan, Size

_CELL = 8
"""Pixels of a side that ComfyUI counts areas in."""


def in_crop(conditioning: Any, plan: CropPlan, frame: int = 0) -> Any:
    """The conditioning where the crop of `plan` lies; what lies wholly elsewhere is left out.

    Areas become masks: a part of a face may be smaller than a model can paint by itself. Of batches
    of masks and hints it is the one of this `frame`. Raises ConfigError if nothing is left.
    """
    kept = []
    for embedding, values in conditioning:
        here = dict(values)
        region = _region(here, plan, frame)
        for name in ("area", "set_area_to_bounds"):
            here.pop(name, None)
        if region is not None:
            if not region.any():
                continue
            here["mask"] = region
        if here.get("control") is not None:
            here["control"] = _control(here["control"], plan, frame)
        kept.append([embedding, here])
    if conditioning and not kept:
        raise ConfigError(
            f"no region of the wired conditioning reaches the face at {tuple(plan.box)}; add a "
            "prompt for the whole picture, or move a region"
        )
    return kept


def crop_of(image: Tensor, plan: CropPlan) -> Tensor:
    """The crop of an image (1, C, h, w) of the same scene, at any size: (1, C, s, s)."""
    if (image.shape[-2], image.shape[-1]) == tuple(plan.source):
        return composing.crop_image(image, plan)
    return _cut(image, plan)


def _region(values: Mapping[str, Any], plan: CropPlan, frame: int) -> Tensor | None:
    """Where in the crop it holds, (1, s, s); None = everywhere."""
    region = None
    if values.get("mask") is not None:
        region = _cut(_of_frame(values["mask"].float().cpu()[:, None], frame), plan)[:, 0]
    if values.get("area") is not None:
        drawn = torch.zeros(1, 1, *plan.source)
        box = _area(values["area"], plan.source)
        drawn[..., box.y0 : box.y1, box.x0 : box.x1] = 1
        area = _cut(drawn, plan)[:, 0]
        region = area if region is None else region * area
    return region


def _area(area: Any, size: Size) -> Box:
    """An area (height, width, y, x), in cells or as shares of the image, in pixels."""
    if area[0] == "percentage":
        height, width, y, x = area[1:]
        tall, wide = size
    else:
        height, width, y, x = area
        tall = wide = _CELL
    box = (x * wide, y * tall, (x + width) * wide, (y + height) * tall)
    return Box(*(round(value) for value in box)).clip(size)


def _control(control: Any, plan: CropPlan, frame: int) -> Any:
    """A copy of a ControlNet, and of those before it, with the hints of the crop."""
    copied = control.copy()
    hint = control.cond_hint_original
    if hint is not None:
        copied.cond_hint_original = _cut(_of_frame(hint, frame), plan)
        copied.cond_hint = None
    # Masks of inpainting ControlNets; one of a single value holds everywhere.
    more = getattr(control, "extra_concat_orig", None)
    if more:
        copied.extra_concat_orig = [
            _cut(_of_frame(one, frame), plan) if one.ndim == 4 and one[0, 0].numel() > 1 else one
            for one in more
        ]
    if control.previous_controlnet is not None:
        copied.set_previous_controlnet(_control(control.previous_controlnet, plan, frame))
    return copied


def _of_frame(batch: Tensor, frame: int) -> Tensor:
    at = frame % len(batch)
    return batch[at : at + 1]


def _cut(whole: Tensor, plan: CropPlan) -> Tensor:
    """The crop of (1, C, h, w), which shows the image of the plan at any size."""
    height, width = whole.shape[-2:]
    scale = width / plan.source[1], height / plan.source[0]
    box = plan.box.scale(*scale)
    if box.area > 0:
        whole = crop(whole, box)
    # Not to [0, 1]: hints mark what is to be inpainted with -1.
    return F.interpolate(whole.float(), plan.size, mode="bilinear", antialias=True)
