"""Many steps in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean, median
from typing import Any

import numpy as np

from .timing import Block

RESAMPLES = 2000


def summary(blocks: Sequence[Block], batch: int) -> dict[str, Any]:
    """Medians over all blocks of a contender, milliseconds but where the name says otherwise."""
    seconds = [s for block in blocks for s in block.seconds]
    first_tenth, last_tenth = map(float, np.quantile(seconds, (0.1, 0.9)))
    host = [s for block in blocks for s in block.host]
    memory = [block.memory for block in blocks if block.memory is not None]
    middle = median(seconds)
    return {
        "median_ms": 1000 * middle,
        "p10_ms": 1000 * first_tenth,
        "p90_ms": 1000 * last_tenth,
        "wall_ms": 1000 * fmean(block.mean for block in blocks),
        "host_ms": 1000 * median(host) if host else None,
        "images_per_s": batch / middle,
        "first_step_s": median(block.first for block in blocks),
        "warm_up_s": median(block.warm_up for block in blocks),
        "allocated_gb": max(m[0] for m in memory) / 1e9 if memory else None,
        "reserved_gb": max(m[1] for m in memory) / 1e9 if memory else None,
        "steps": len(seconds),
        "mode": blocks[-1].mode,
    }


def ratio(slow: Sequence[Block], fast: Sequence[Block]) -> dict[str, float | None]:
    """How many times as long `slow` takes, by medians, and the bootstrap's 95 % interval.

    Rounds are drawn with replacement, and in each its steps: what drifts from round to round is in
    the interval. A single step has none: `low` and `high` are None.
    """
    slow_seconds, fast_seconds = ([s for b in blocks for s in b.seconds] for blocks in (slow, fast))
    plain = median(slow_seconds) / median(fast_seconds)
    if min(len(slow_seconds), len(fast_seconds)) < 2:
        return {"ratio": plain, "low": None, "high": None}
    random = Random(0)

    def middle(blocks: Sequence[Block]) -> float:
        drawn = random.choices(blocks, k=len(blocks))
        return median(s for b in drawn for s in random.choices(b.seconds, k=len(b.seconds)))

    found = sorted(middle(slow) / middle(fast) for _ in range(RESAMPLES))
    return {"ratio": plain, "low": found[RESAMPLES // 40], "high": found[-RESAMPLES // 40]}
