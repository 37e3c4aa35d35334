"""What must hold; `python -m benchmarks.speed` fails where one does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contenders import CAPTURED, DIFFUSERS, EAGER, KOHYA
from .counting import Counts

AGREE = {"float32": 1e-3, "bfloat16": 5e-2}
"""How far losses of the same step may be apart, relative, by the backbone's dtype.

In bfloat16 one contender computes norms in float32 under autocast and another does not.
"""
FEWER = 0.8
"""How many of the kernels of the diffusers-style loop ours may start."""
CPU_RATIO = 1.5
CURVE = 0.02
H100 = {
    "sd15": {"step_ms": 28.0, DIFFUSERS: 3.5, KOHYA: 2.5, "allocated_gb": 8.0},
    "sdxl": {"step_ms": 60.0, "allocated_gb": 17.0},
}
"""What was set out for an H100."""


@dataclass(frozen=True)
class Gate:
    """`value` must be at least (`least`) or at most `limit`."""

    name: str
    value: float
    limit: float
    least: bool = False

    @property
    def passed(self) -> bool:
        # NaN fails both comparisons.
        return self.value >= self.limit if self.least else self.value <= self.limit

    def to_dict(self) -> dict[str, Any]:
        limit = "at least" if self.least else "at most"
        return {"name": self.name, "value": self.value, limit: self.limit, "passed": self.passed}


def difference(losses: Sequence[float], reference: Sequence[float]) -> float:
    """The largest relative difference of losses of the same steps; NaN if there is none."""
    pairs = list(zip(losses, reference, strict=False))
    if not pairs:
        return float("nan")
    apart = [abs(a - b) / abs(b) for a, b in pairs]
    return float("nan") if any(x != x for x in apart) else max(apart)


def agreement(losses: Mapping[str, Sequence[float]], model: str, dtype: str) -> list[Gate]:
    """All contenders learn the same; kohya's adapts more layers, and only its start is the same."""
    reference = losses[DIFFUSERS]
    return [
        Gate(
            f"{model}: loss of {name} as of {DIFFUSERS}",
            difference(mine[:1] if name == KOHYA else mine, reference),
            AGREE[dtype],
        )
        for name, mine in losses.items()
        if name != DIFFUSERS
    ]


def counted(ours: Counts, theirs: Counts, model: str) -> list[Gate]:
    """A step of ours reads nothing, uploads nothing, sees no autoencoder and starts less."""
    return [
        Gate(f"{model}: host reads per step", ours.reads, 0),
        Gate(f"{model}: uploads per step", ours.uploads, 0),
        Gate(f"{model}: VAE calls per step", ours.vae, 0),
        Gate(f"{model}: kernels per step", ours.kernels, FEWER * theirs.kernels),
        Gate(f"{model}: optimiser kernels per step", ours.optimiser, theirs.optimiser),
    ]


def speed(
    rows: Mapping[str, Any], ratios: Mapping[str, Any], device: str, model: str
) -> list[Gate]:
    """The ratio on a CPU; what was set out for an H100 on one; nothing elsewhere."""
    if device == "cpu":
        value = ratios[f"{DIFFUSERS} / {EAGER}"]["ratio"]
        return [Gate(f"{model}: {DIFFUSERS} / {EAGER}", value, CPU_RATIO, least=True)]
    gates = [Gate(f"{model}: captured", float(rows[CAPTURED]["mode"] == "captured"), 1, least=True)]
    if "H100" not in device or model not in H100:
        return gates
    goals = H100[model]
    gates.append(Gate(f"{model}: step, ms", rows[CAPTURED]["median_ms"], goals["step_ms"]))
    gates.append(Gate(f"{model}: peak, GB", rows[CAPTURED]["allocated_gb"], goals["allocated_gb"]))
    for name in (DIFFUSERS, KOHYA):
        if name in goals:
            value = ratios[f"{name} / {CAPTURED}"]["ratio"]
            gates.append(Gate(f"{model}: {name} / {CAPTURED}", value, goals[name], least=True))
    return gates
