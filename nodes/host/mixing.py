"""The MODEL with a person and without one in a single sampling, by ComfyUI's own means: hooks that
take the LoRA out of some conditionings, strengths and ranges of timesteps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.hooks
import node_helpers

from ...facea_core import composing
from ...facea_core.types import Identity
from .patching import held_patches

_LAST = 999
"""ComfyUI's percentages are of this timestep."""


def without_dynamic(model: Any) -> Any:
    """The MODEL as one that can have hooks: newer ComfyUIs load a kind on GPUs that can not."""
    delegate = getattr(model, "get_non_dynamic_delegate", None)
    return model if delegate is None else delegate()


def laid_out(
    model: Any, identity: Identity, own: Sequence[Any], alone: Sequence[Any], edit: composing.Edit
) -> list[Any]:
    """Conditionings by which MODEL, which holds the person, paints an edit.

    `own` are those of the person, `alone` those of the model without them, in the same order,
    positive and negative. Both predictions are added by their strengths, above the handover.
    """
    hooks = _without(model, identity)
    at = min(max(1 - edit.handover / _LAST, 0.0), 1.0)
    mixed = []
    for mine, others in zip(own, alone, strict=True):
        late = node_helpers.conditioning_set_values(mine, {"start_percent": at})
        early = {"end_percent": at}
        rest = 1 - edit.amount
        kept = node_helpers.conditioning_set_values(mine, {**early, "strength": rest})
        other = node_helpers.conditioning_set_values(others, {**early, "strength": edit.amount})
        other = comfy.hooks.set_hooks_for_conditioning(other, hooks)
        mixed.append([*late, *(kept if rest else ()), *other])
    return mixed


def _without(model: Any, identity: Identity) -> Any:
    """Hooks that take out of the MODEL what it holds of the identity."""
    patches, held = held_patches(model, identity)
    group = comfy.hooks.HookGroup()
    for strength in sorted({value for value in held.values() if value}):
        hook = comfy.hooks.WeightHook(strength_model=-strength)
        hook.weights = {key: patch for key, patch in patches.items() if held[key] == strength}
        hook.need_weight_init = False
        group.add(hook)
    return group
