"""CONDITIONING of a whole image as it holds for a crop: masks, areas, boxes, latents, hints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...facea_core import composing
from ...facea_core.errors import ConfigError
from ...facea_core.types import Box, CropPlan, Size
from .cropped import Followed, of_frame, shape_of
from .hints import control_in_crop

_CELL = 8
"""Pixels of a side that ComfyUI counts areas and boxes in."""


def in_crop(
    conditionings: Sequence[Any], plan: CropPlan, frame: int = 0, *, hints: bool = True,
    followed: Followed | None = None,
) -> list[Any]:  # fmt: skip
    """Each conditioning where the crop of `plan` lies; what lies wholly elsewhere is left out.

    Areas become masks: a part of a face may be smaller than a model can paint by itself. Of batches
    of masks and hints it is the one of this `frame`. ControlNets that several conditionings share
    stay shared. Without `hints` they are used as they are, made for the crop already. `followed` is
    told what was cropped and what was not; nothing that was given is changed. Raises ConfigError if
    nothing of a conditioning is left.
    """
    followed = Followed() if followed is None else followed

    @cache
    def control(one: Any) -> Any:
        return control_in_crop(one, plan, frame, followed)

    def here(values: Mapping[str, Any]) -> dict[str, Any] | None:
        new = {k: v for k, v in values.items() if k not in ("area", "set_area_to_bounds")}
        region = _region(values, plan, frame)
        if region is not None:
            followed.cropped.add("a mask or an area")
            if not region.any():
                return None
            new["mask"] = region
        if hints and values.get("control") is not None:
            new["control"] = control(values["control"])
        if "gligen" in values:
            new |= _boxes(new.pop("gligen"), plan, followed)
        if "reference_latents" in values:
            new["reference_latents"] = [
                _latent(one, plan, frame, followed) for one in values["reference_latents"]
            ]
        return new

    return [_kept(one, here, plan) for one in conditionings]


def _kept(conditioning: Any, here: Any, plan: CropPlan) -> list[Any]:
    each = [(embedding, here(values)) for embedding, values in conditioning]
    kept = [[embedding, values] for embedding, values in each if values is not None]
    if each and not kept:
        raise ConfigError(
            f"no region of the wired conditioning reaches the face at {tuple(plan.box)}; add a "
            "prompt for the whole picture, or move a region"
        )
    return kept


def _region(values: Mapping[str, Any], plan: CropPlan, frame: int) -> Tensor | None:
    """Where in the crop it holds, (1, s, s); None = everywhere."""
    region = None
    if values.get("mask") is not None:
        mask = of_frame(values["mask"].float().cpu()[:, None], frame)
        region = composing.crop_alike(mask, plan, mask=True)[:, 0]
    if values.get("area") is not None:
        drawn = torch.zeros(1, 1, *plan.source)
        box = _area(values["area"], plan.source)
        drawn[..., box.y0 : box.y1, box.x0 : box.x1] = 1
        area = composing.crop_alike(drawn, plan, mask=True)[:, 0]
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


def _boxes(gligen: Any, plan: CropPlan, followed: Followed) -> dict[str, Any]:
    """GLIGEN's boxes in cells of the crop; those that lie elsewhere are left out."""
    kind, model, places = gligen
    if kind != "position":
        followed.left.add(f"GLIGEN of kind {kind}")
        return {"gligen": gligen}
    followed.cropped.add("GLIGEN's boxes")
    scale = plan.size[0] / plan.box.height, plan.size[1] / plan.box.width
    start = plan.box.y0 / _CELL, plan.box.x0 / _CELL
    end = plan.size[0] / _CELL, plan.size[1] / _CELL
    inside = []
    for embedding, height, width, y, x in places:
        low = [max((at - s) * f, 0.0) for at, s, f in zip((y, x), start, scale, strict=True)]
        far = (y + height, x + width)
        high = [
            min((at - s) * f, most) for at, s, f, most in zip(far, start, scale, end, strict=True)
        ]
        if high[0] > low[0] and high[1] > low[1]:
            inside.append((embedding, high[0] - low[0], high[1] - low[1], *low))
    return {"gligen": (kind, model, inside)} if inside else {}


def _latent(latent: Tensor, plan: CropPlan, frame: int, followed: Followed) -> Tensor:
    """A reference latent (B, C, …, h, w) of the whole image; any other stays as it is."""
    factor = round(plan.source[0] / latent.shape[-2])
    if not factor or not shape_of(latent, plan):
        followed.left.add("a reference latent of another shape than the picture's")
        return latent
    followed.cropped.add("a reference latent")
    piece = composing.piece_alike(of_frame(latent, frame).flatten(1, -3), plan).float()
    size = [side // factor for side in plan.size]
    cut = F.interpolate(piece, size, mode="bilinear", antialias=True)
    return cut.unflatten(1, latent.shape[1:-2])
