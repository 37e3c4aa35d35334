"""Going on in a cheaper way where memory ran out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from ..errors import TrainingError
from ..machine import is_out_of_memory
from .memory import Plan

T = TypeVar("T")


def with_fallback(
    work: Callable[[Plan], T], plan: Plan, cheaper: Callable[[Plan], Plan | None]
) -> tuple[T, Plan]:
    """`work(plan)`, with the next cheaper plan each time that memory runs out, and the last plan.

    Raises `TrainingError` if there is no cheaper one.
    """
    while True:
        try:
            return work(plan), plan
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said = str(error).partition("\n")[0]
        # Only here is what the failed work held on the device let go.
        gc.collect()
        torch.cuda.empty_cache()
        lower = cheaper(plan)
        if lower is None:
            raise TrainingError(
                f"memory ran out ({said}) with {plan.line()}; close other programs, or lower "
                "resolution, rank or micro_batch"
            )
        plan = lower
