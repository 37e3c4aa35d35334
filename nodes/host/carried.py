"""How much of a person's LoRA a MODEL holds, read from its patches, also after merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...facea_core.errors import ConfigError

_NAME = "facea_name"


def sign(patches: Mapping[str, Any], name: str) -> None:
    """Write the person's name on the patches, where it stays through clones and merges."""
    for patch in patches.values():
        setattr(patch, _NAME, name)


def strengths(model: Any, patches: Mapping[str, Any], name: str) -> dict[str, float]:
    """How strongly MODEL holds each of these patches, by the weight it changes; 0 = not at all.

    Raises ConfigError if it holds patches of another person, or another training, of that name.
    """
    held = {}
    for key, mine in patches.items():
        entries = model.patches.get(key, ())
        held[key] = _share(entries, lambda patch, m=mine: same(patch, m))
        if _share(entries, lambda patch, m=mine: _named(patch, name) and not same(patch, m)):
            raise ConfigError(
                f"the MODEL holds another training named {name!r} than the wired person; load the "
                "person once, or train one of them under another name"
            )
    return held


def same(patch: Any, other: Any) -> bool:
    """Whether two LoRA patches change a weight in the same way; false for patches of other kinds"""
    if patch is other:
        return True
    mine, theirs = getattr(patch, "weights", None), getattr(other, "weights", None)
    if mine is None or theirs is None or len(mine) != len(theirs):
        return False
    return all(_equal(a, b) for a, b in zip(mine, theirs, strict=True))


def _equal(first: Any, second: Any) -> bool:
    if torch.is_tensor(first) and torch.is_tensor(second):
        return first.shape == second.shape and torch.equal(first.cpu(), second.cpu())
    return not torch.is_tensor(first) and not torch.is_tensor(second) and first == second


def _named(patch: Any, name: str) -> bool:
    return getattr(patch, _NAME, None) == name


def _share(entries: Sequence[Any], wanted: Any) -> float:
    """The factor of the wanted patches in a weight, as ComfyUI works through its patches.

    Each entry (strength, patch, strength of what was before, ...); a merged model is a list whose
    first item is the other model's weight and the rest its entries.
    """
    share = 0.0
    for strength, patch, before, *_ in entries:
        share *= before
        if isinstance(patch, list):
            share += strength * _share(patch[1:], wanted)
        elif wanted(patch):
            share += strength
    return share
