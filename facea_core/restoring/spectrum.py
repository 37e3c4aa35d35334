"""What the power spectrum of a picture tells: blur, a hidden enlargement, the level of white noise.

Pictures of people, painted or photographed, have powers that fall as 1/f² along a line; what is
missing was taken away. A Gaussian takes it smoothly, from the noise nothing; an enlargement takes
everything beyond the old pixels' limit, noise too, and leaves the weak images of its kernel.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .enlargement import bicubic

ROUNDING = 4 / 255**2 / 12
"""Power below which there is no picture, of values in [0, 1]: some roundings to 8 bits."""

_LOWEST, _BINS, _FINE = 0.03, 28, 8
_EDGES = _LOWEST * (0.5 / _LOWEST) ** (torch.arange(_BINS + 1) / _BINS)
BANDS = (_EDGES[:-1] * _EDGES[1:]).sqrt()
"""Frequencies, in periods per pixel, at which spectra are compared."""

_BLURS = torch.cat([torch.arange(0, 2, 0.1), torch.arange(2, 4, 0.25), torch.arange(4, 8.1, 0.5)])
# A smaller enlargement looks like a little blur.
_ENLARGED = torch.cat([torch.ones(1), 2 ** (torch.arange(8, 57) / 16)])
_NOISES = 10 ** torch.arange(-5, 3.1, 0.5)

_SLOPES, _STEEP = (1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6), 0.12
"""Powers of frequency by which pictures may fall, and how much worse a fit is per 1 from 2."""

_SURE = 0.01
"""How much worse a fit may be to count e times less."""

_TRUST = 0.08
"""How much worse a fit is whose noise is e times that which was measured."""

_PLAIN, _COMPRESSED = 0.03, 0.15
"""By how much an enlargement must fit better than none: JPEG takes high frequencies too."""


class Fits(NamedTuple):
    """How well spectra fit a picture that is `enlarged` times as large as it was.

    `worse` is the mean square error in log power, by `_SLOPES`, `_BLURS` and `_NOISES`; `noise` the
    power that each gives to white noise, of values in [0, 1] before the enlargement.
    """

    enlarged: float
    worse: Tensor
    noise: Tensor

    def blur(self, noise: float | None = None) -> float:
        """Deviation of the Gaussian in pixels of before the enlargement; `noise` is that of the
        white noise there, where it is known."""
        worse = self.worse
        if noise is not None:
            power = max(noise**2, ROUNDING)
            worse = worse + _TRUST * (self.noise / power).log().abs().clamp(max=3)
        likely = torch.softmax((-worse / _SURE).flatten(), 0)
        return float(likely.view(worse.shape).sum((0, 2)) @ _BLURS)


def fitted(luma: Tensor, lost: Tensor | None = None, enlarged: bool = True) -> Fits:
    """The enlargement, 1 to 11, of `(H, W)` in [0, 1], 16 pixels and more, that fits best.

    `lost` is the power, at each of `BANDS`, below which compression has left nothing to be read;
    not `enlarged`: that it was not, is known.
    """
    power, count = _binned(luma)
    weight = count.sqrt().clamp(max=3)
    weight = weight / weight.sum()
    floor = ROUNDING + (torch.zeros(_BINS) if lost is None else lost)
    seen, floor = (power + floor).log(), floor.log()
    # Bands at the level of rounding say nothing of how bright the picture is.
    bright = weight * (seen > floor + 1) + 1e-6
    bright = bright / bright.sum()

    def errors(shape: Tensor) -> tuple[Tensor, Tensor]:
        """Of each shape (..., bands) at its best factor, by band; and the log of that factor."""
        factor = (seen - shape) @ bright
        return seen - torch.logaddexp(shape + factor[..., None], floor), factor

    size = 0
    if enlarged:
        # The images that an enlargement leaves are few: one band that is off a lot is no proof.
        plain, rough = (errors(shape)[0].abs() @ weight for shape in (_shapes(0, (2.0,)), _rough()))
        least = _PLAIN if lost is None else _COMPRESSED
        if float(rough.min()) + least <= float(plain.min()):
            size = 1 + int(rough.flatten(1).amin(1).argmin())
    off, factor = errors(_shapes(size, _SLOPES))
    steep = _STEEP * (torch.tensor(_SLOPES) - 2).abs()
    worse = off.square() @ weight + steep[:, None, None]  # (slopes, blurs, noises)
    return Fits(float(_ENLARGED[size]), worse, _NOISES * factor.exp())


def _binned(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Power along lines of both directions by band of frequency, and how many frequencies each has.

    Of differences between neighbours, divided by what those do: the steep spectrum of the picture
    itself would leak into its ends.
    """
    length = max(luma.shape)
    power = luma.new_zeros(length // 2 + 1)
    for lines in (luma.diff(dim=0).T, luma.diff(dim=1)):
        window = torch.hann_window(lines.shape[1] + 2, periodic=False)[1:-1]
        wave = torch.fft.rfft(lines * window, n=length).abs().square().mean(0)
        power += wave / window.square().sum() / 2
    frequency = torch.arange(len(power)) / length
    frequency, power = frequency[1:], power[1:] / (2 * torch.sin(math.pi * frequency[1:])).square()
    inside = ((frequency >= _EDGES[:-1, None]) & (frequency < _EDGES[1:, None])).float()
    count = inside.sum(1)
    above = torch.searchsorted(frequency, BANDS).clamp(1, len(frequency) - 1)
    part = (BANDS - frequency[above - 1]) / (frequency[above] - frequency[above - 1])
    between = torch.lerp(power[above - 1], power[above], part.clamp(0, 1))
    return torch.where(count > 0, (inside @ power) / count.clamp(min=1), between), count.clamp(0.5)


@lru_cache(maxsize=1)
def _rough() -> Tensor:
    """Some of the shapes of every enlargement: (enlargements, blurs, noises, bands)."""
    sizes = range(1, len(_ENLARGED))
    return torch.stack([_shapes(size, (2.0,))[0, ::3, ::2] for size in sizes]).contiguous()


@lru_cache(maxsize=128)
def _shapes(size: int, slopes: tuple[float, ...]) -> Tensor:
    """Log powers after that enlargement, up to a factor: (slopes, blurs, noises, bands)."""
    steps = (torch.arange(_BINS * _FINE) + 0.5) / (_BINS * _FINE)
    old = _LOWEST * (0.5 / _LOWEST) ** steps * _ENLARGED[size]  # of the pixels before
    folded = (old - old.round()).abs().clamp(min=0.005)
    kernel = _bicubic(old).square() if size else torch.ones_like(old)
    # What a pixel averages over is not all that it lets through: the rest is folded back.
    seen = [_picture((folded + alias).abs(), slopes) for alias in (-1, 0, 1)]
    signal, noise = torch.stack(seen).sum(0) * kernel, kernel
    signal, noise = (power.unflatten(-1, (_BINS, _FINE)).mean(-1) for power in (signal, noise))
    return (signal[:, :, None] + _NOISES[:, None] * noise).log()


def _picture(frequency: Tensor, slopes: tuple[float, ...]) -> Tensor:
    """The power of blurred pictures in square pixels: (slopes, blurs, frequencies)."""
    sharp = torch.stack([torch.sinc(frequency).square() / frequency**slope for slope in slopes])
    return sharp[:, None] * torch.exp(-((2 * math.pi * _BLURS[:, None] * frequency) ** 2))


def _bicubic(frequency: Tensor) -> Tensor:
    """Fourier transform of the kernel of bicubic interpolation."""
    x = torch.linspace(0, 2, 401)
    kernel = bicubic(x)
    kernel[0] /= 2  # trapezoids; the kernel is even, and 0 at its end
    return torch.cos(2 * math.pi * frequency[..., None] * x) @ kernel / 100
