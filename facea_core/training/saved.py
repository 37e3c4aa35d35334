"""A state of a run as it was read, and what it must say to be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import StateError, TrainingError

FORMAT = 3
"""Since 3 with a checksum. States of format 2, which have none, are gone on with as well."""

PLANNED = {"resolution": int, "micro_batch": int, "checkpointing": bool}
"""What a state keeps of its plan."""


@dataclass(frozen=True, eq=False)
class Saved:
    """A state as it was read, after `step` completed steps; `plan` is how they were run."""

    path: Path
    step: int
    tensors: Mapping[str, Tensor]
    layout: Mapping[str, str]
    plan: Mapping[str, Any]


def check_format(path: Path, about: Mapping[str, Any]) -> int:
    """The format of a state. Raises `StateError` for one that is too old to go on with, and
    `TrainingError` for a newer one."""
    number = whole(about["format"])
    if number > FORMAT:
        raise TrainingError(f"{path} was written by a newer version: update the pack")
    if number < FORMAT - 1:
        raise StateError(
            f"{path} was written by an older version, which this one cannot go on with; delete it "
            "and start without resume"
        )
    return number


def stated(path: Path, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Saved:
    """The state that a text and tensors are.

    Raises KeyError, TypeError, AttributeError or ValueError for anything that no state says.
    """
    plan = about["plan"]
    if plan.keys() != PLANNED.keys() or any(type(plan[k]) is not PLANNED[k] for k in plan):
        raise ValueError("its plan is none")
    return Saved(path, whole(about["step"]), tensors, about["layout"], plan)


def whole(value: Any) -> int:
    """A number of steps, or ValueError."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.80} is no number of steps")
    return value
