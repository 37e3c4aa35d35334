"""Many steps in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean, median, quantiles
from typing import Any

from .timing import Block

RESAMPLES = 2000


def summary(blocks: Sequence[Block], batch: int) -> dict[str, Any]:
    """Medians over all blocks of a contender, milliseconds but where the name says otherwise."""
    seconds = [s for block in blocks for s in block.seconds]
    tenths = quantiles(seconds, n=10, method="inclusive")
    host = [s for block in blocks for s in block.host]
    memory = [block.memory for block in blocks if block.memory is not None]
    middle = median(seconds)
    return {
        "median_ms": 1000 * middle,
        "p10_ms": 1000 * tenths[0],
        "p90_ms": 1000 * tenths[-1],
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


def ratio(slow: Sequence[Block], fast: Sequence[Block]) -> dict[str, float]:
    """How many times as long `slow` takes, by medians, and the bootstrap's 95 % interval.

    Rounds are drawn with replacement, and in each its steps: what drifts from round to round is in
    the interval.
    """
    random = Random(0)

    def middle(blocks: Sequence[Block]) -> float:
        drawn = random.choices(blocks, k=len(blocks))
        return median(s for b in drawn for s in random.choices(b.seconds, k=len(b.seconds)))

    found = sorted(middle(slow) / middle(fast) for _ in range(RESAMPLES))
    plain = [median(s for block in blocks for s in block.seconds) for blocks in (slow, fast)]
    return {
        "ratio": plain[0] / plain[1],
        "low": found[RESAMPLES // 40],
        "high": found[-RESAMPLES // 40],
    }
