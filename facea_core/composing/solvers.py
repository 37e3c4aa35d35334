"""From noise to a clean latent: which timesteps are taken, and the solvers that take them.

A latent is signal * clean + sigma * noise, signal^2 + sigma^2 = 1. Every solver asks the model once
per step for the clean latent, and moves to the next level as if the answer, or what answers so far
make of it, were the truth. A level whose sigma is 0 is the end: there the latent is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Level(NamedTuple):
    """How noisy a latent is, and the timestep that the U-Net is given; it may be a fraction."""

    timestep: float
    signal: float
    sigma: float

    @property
    def log_snr(self) -> float:
        """Half the logarithm of the signal-to-noise ratio: lambda in the papers."""
        return math.log(self.signal / self.sigma)


Model = Callable[["Tensor", Level], "Tensor"]
"""(latent (B, C, h, w), its level) -> the clean latent that it is taken for."""

Solver = Callable[[Model, "Tensor", Sequence[Level]], "Tensor"]
"""(model, latent at the first level, levels) -> the latent at the last one."""

END = Level(0.0, 1.0, 0.0)


def timesteps(steps: int, denoise: float = 1.0, trained: int = 1000) -> list[float]:
    """`steps` timesteps, strictly falling, in [0, trained - 1].

    The last `steps` of `int(steps / denoise)` that divide the whole schedule evenly, from pure
    noise on: those of ComfyUI's schedule `simple`. Where that asks for more than the schedule has,
    steps lie less than a timestep apart and are fractions, down to 0; ComfyUI repeats timesteps.
    """
    total = max(int(steps / denoise), steps)
    last = trained - 1
    if total > trained:
        return [last * (1 - i / (total - 1)) for i in range(total - steps, total)]
    # The quotient first, as ComfyUI rounds it.
    stride = trained / total
    return [float(last - int(i * stride)) for i in range(total - steps, total)]


def levels(alphas_cumprod: Tensor, steps: int, denoise: float = 1.0) -> list[Level]:
    """The levels of `timesteps`, noisiest first, and END: `steps + 1` of them.

    `alphas_cumprod (T,)` as the model was trained; between two timesteps log_snr is linear.
    """
    return [*levels_at(alphas_cumprod, timesteps(steps, denoise, len(alphas_cumprod))), END]


def levels_at(alphas_cumprod: Tensor, timesteps: Sequence[float]) -> list[Level]:
    """The levels of these timesteps, each in [0, T - 1]."""
    trained = alphas_cumprod.detach().double().cpu()
    log_snr = ((trained / (1 - trained)).log() / 2).tolist()
    return [_level(log_snr, timestep) for timestep in timesteps]


def _level(log_snr: Sequence[float], timestep: float) -> Level:
    below = min(int(timestep), len(log_snr) - 2)
    beyond = timestep - below
    ratio = math.exp((1 - beyond) * log_snr[below] + beyond * log_snr[below + 1])
    return Level(timestep, ratio / math.hypot(1, ratio), 1 / math.hypot(1, ratio))


def ddim(model: Model, latent: Tensor, levels: Sequence[Level]) -> Tensor:
    """DDIM without noise of its own (2010.02502, eq. 12), which is Euler's step in sigma / signal:
    both names stand for it, as in ComfyUI."""
    for here, there in pairwise(levels):
        latent = _move(latent, model(latent, here), here, there)
    return latent


def dpmpp_2m(model: Model, latent: Tensor, levels: Sequence[Level]) -> Tensor:
    """DPM-Solver++(2M) (2211.01095, alg. 2); the first and the last step are of first order."""
    cleans: list[Tensor] = []
    for i, (here, there) in enumerate(pairwise(levels)):
        cleans = [*cleans[-1:], model(latent, here)]
        latent = _move(latent, _ahead(cleans, levels, i), here, there)
    return latent


def unipc(model: Model, latent: Tensor, levels: Sequence[Level]) -> Tensor:
    """UniPC of order 2 with B2(h) (2302.04867): DPM-Solver++(2M), and each step is corrected by the
    answer at its end."""
    cleans: list[Tensor] = []
    before = latent
    for i, (here, there) in enumerate(pairwise(levels)):
        cleans = [*cleans[-2:], model(latent, here)]
        if i:
            latent = _move(before, _mended(cleans, levels, i), levels[i - 1], here)
        before = latent
        latent = _move(latent, _ahead(cleans, levels, i), here, there)
    return latent


SOLVERS: Mapping[str, Solver] = {
    "ddim": ddim,
    "euler": ddim,
    "dpmpp_2m": dpmpp_2m,
    "unipc": unipc,
}


def _move(latent: Tensor, clean: Tensor, here: Level, there: Level) -> Tensor:
    """The latent at the level `there` if `clean` is right all the way."""
    kept = there.sigma / here.sigma
    return kept * latent + (there.signal - kept * here.signal) * clean


def _ahead(cleans: Sequence[Tensor], levels: Sequence[Level], i: int) -> Tensor:
    """What the clean latent will be midway from level i on, by the last two answers."""
    if len(cleans) < 2 or levels[i + 1].sigma == 0:
        return cleans[-1]
    last, here, there = (level.log_snr for level in levels[i - 1 : i + 2])
    return cleans[-1] + (there - here) / (here - last) / 2 * (cleans[-1] - cleans[-2])


def _mended(cleans: Sequence[Tensor], levels: Sequence[Level], i: int) -> Tensor:
    """What the clean latent was between levels i - 1 and i, now that the answer at i is known."""
    change = cleans[-1] - cleans[-2]
    if len(cleans) < 3:
        return cleans[-2] + change / 2
    older, last, here = (level.log_snr for level in levels[i - 2 : i + 1])
    h, r = here - last, (older - last) / (here - last)
    phi = math.expm1(-h)
    first = (phi / -h - 1) / phi
    second = 2 * ((phi / -h - 1) / -h - 0.5) / phi
    weight = (first - second) / (1 - r)
    return cleans[-2] + weight / r * (cleans[-3] - cleans[-2]) + (first - weight) * change
