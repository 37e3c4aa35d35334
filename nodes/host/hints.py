"""ControlNets in CONDITIONING: their hints cropped with a face, and put on another prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import torch

from ...facea_core import composing
from ...facea_core.errors import ConfigError
from ...facea_core.types import CropPlan
from .cropped import Followed, of_frame, shape_of


def control_in_crop(control: Any, plan: CropPlan, frame: int, followed: Followed) -> Any:
    """A copy of a ControlNet, and of those before it, with the hints of the crop.

    What is no ControlNet that can be cropped stays as it is; `followed` is told.
    """
    name = type(control).__name__
    hint = getattr(control, "cond_hint_original", None)
    if not hasattr(control, "copy") or not torch.is_tensor(hint) or hint.ndim != 4:
        followed.left.add(f"{name} without an image")
        return control
    copied = control.copy()
    if shape_of(hint, plan):
        # In memory as an IMAGE is: so it guides, bit by bit, as one that was cropped by hand.
        cut = composing.crop_alike(of_frame(hint, frame), plan)
        copied.cond_hint_original = cut.contiguous(memory_format=torch.channels_last)
        copied.cond_hint = None
        # Masks of inpainting ControlNets; one of a single value holds everywhere.
        copied.extra_concat_orig = [
            composing.crop_alike(of_frame(one, frame), plan, mask=True)
            if one.ndim == 4 and one[0, 0].numel() > 1 else one
            for one in getattr(control, "extra_concat_orig", [])
        ]  # fmt: skip
        followed.cropped.add(f"the image of {name}")
    else:
        height, width = hint.shape[-2:]
        followed.left.add(
            f"the image of {name}, {width}×{height}, has another shape than the picture, "
            f"{plan.source[1]}×{plan.source[0]}"
        )
    before = getattr(control, "previous_controlnet", None)
    if before is not None:
        copied.set_previous_controlnet(control_in_crop(before, plan, frame, followed))
    return copied


def with_hints(conditionings: Sequence[Any], hints: Any) -> list[Any]:
    """The conditionings with the ControlNets of CONDITIONING `hints`, behind those of their own.

    Raises ConfigError if `hints` has none, or not the same ones in all of its prompts.
    """
    found = list({id(one): one for one in _controls(hints)}.values())
    if len(found) != 1:
        raise ConfigError(
            "hints holds no ControlNet; wire the conditioning that Apply ControlNet gives out"
            if not found else
            f"hints holds {len(found)} different ControlNets for different prompts, and one "
            "chain is put on every face; combine them one behind the other"
        )  # fmt: skip

    @cache
    def behind(own: Any) -> Any:
        return _behind(found[0], own)

    def added(values: Any) -> dict[str, Any]:
        return {**values, "control": behind(values.get("control"))}

    return [[[embedding, added(values)] for embedding, values in one] for one in conditionings]


def _controls(conditioning: Any) -> Iterable[Any]:
    for _, values in conditioning:
        if values.get("control") is not None:
            yield values["control"]


def _behind(control: Any, first: Any) -> Any:
    """A ControlNet's chain that goes on with `first` where it ends."""
    if first is None:
        return control
    before = getattr(control, "previous_controlnet", None)
    return control.copy().set_previous_controlnet(_behind(before, first) if before else first)
