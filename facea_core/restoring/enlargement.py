"""A picture as it was before somebody enlarged it, if that can be had back.

What an interpolation adds are sums of few old pixels: those of the right size and kernel give the
picture back to within its rounding, those of any other size do not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..io.images import luma_of
from ..types import Box, Size

_LEAST, _MOST = 1.2, 11.5
"""Enlargements that are looked for."""

_TRIED = 8
"""So many sizes whose period shows most are tried."""

_WINDOW, _LINES = 96, 48
"""So many pixels of so many lines are enough to try a size."""

_PROOF = 0.6
"""The right size's error is below this share of that of sizes beside it."""

_BLURRED = 0.45 / 255
"""Sizes beside it whose error is below this give the picture back as well."""

_EQUAL = 1.05
"""Errors this close are the same: beneath 2, linear ones span what Catmull and Rom's do."""

_REACH = {"catmull": 2, "bicubic": 2, "linear": 1, "lanczos": 3}
"""Interpolations, by the old pixels to either side that they look at: Pillow's bicubic is Catmull
and Rom's, torch's is sharper."""

_ROUNDED = 0.1 / 255
"""Errors that are as good as none."""

_REPEATS = 6
"""So often values that were cut off are guessed."""

_RIDGE = 1e-5
"""Keeps pixels that are hardly seen from growing."""


class Enlargement(NamedTuple):
    """An image had `size` (H, W) pixels, and was enlarged `times` by one of `interpolations`."""

    size: Size
    interpolations: list[str]
    times: float


class _Axis(NamedTuple):
    """So many `pixels` of an image of `length`, from `start` on."""

    start: int
    pixels: int
    length: int

    def middle(self) -> _Axis:
        pixels = min(self.pixels, _WINDOW)
        return _Axis(self.start + (self.pixels - pixels) // 2, pixels, self.length)

    def beside(self) -> int:
        """By how much old sizes differ that drift apart by a pixel along these."""
        return max(round(self.length / self.pixels), 1)


def found_enlargement(picture: Tensor, box: Box, size: Size) -> Enlargement | None:
    """How the image of `size` (H, W), of which `picture (1, 3, h, w)` is what `box` shows, came to
    have so many pixels.

    None where nothing tells of fewer: it was not enlarged, or was cropped or compressed since, or
    is so blurred that every size gives it back.
    """
    luma = luma_of(picture)[0, 0]
    down, across = _axes(box, size)
    sizes = _periodic(luma, down, across) if min(luma.shape) >= 16 else []
    if not sizes:
        return None
    (columns, across), (rows, down) = _window(luma.T, across), _window(luma, down)
    _, best, kernel = min(_likely(columns, across, old) for old in sizes)
    best = min(_near(best, across), key=lambda old: _error(columns, across, old, kernel))
    other = round(best * down.length / across.length)
    other = min(_near(other, down), key=lambda old: _error(rows, down, old, kernel))
    shares = _share(columns, across, best, kernel), _share(rows, down, other, kernel)
    if max(shares) > _PROOF:
        return None
    errors = {name: _error(columns, across, best, name) for name in _REACH}
    least = _EQUAL * min(errors.values()) + _ROUNDED / 10
    kernels = [name for name, error in errors.items() if error <= least]
    return Enlargement((other, best), kernels, math.sqrt(math.prod(size) / (other * best)))


def undone(
    picture: Tensor, box: Box, size: Size, old_size: Size, interpolation: str
) -> tuple[Tensor, Size]:
    """The old pixels `(1, 3, h, w)` in that `box`, and the row and column of the first one."""
    axes = [
        (axis, *_weights(axis, old, interpolation), old)
        for axis, old in zip(_axes(box, size), old_size, strict=True)
    ]
    (_, rows, top, _), (_, columns, left, _) = axes
    small = picture
    white, black = picture >= 1, picture <= 0
    for _ in range(_REPEATS if bool((white | black).any()) else 1):
        small = _solved(columns, _solved(rows, picture).mT).mT
        again = rows @ small @ columns.T
        # Of what was cut off it is known that it was no less.
        picture = torch.where(white, again.clamp(min=1), picture)
        picture = torch.where(black, again.clamp(max=0), picture)
    (low, high), (first, last) = (_seen(axis, old) for axis, _, _, old in axes)
    small = small[..., low - top : high - top, first - left : last - left]
    return small.clamp(0, 1), (low, first)


def _seen(axis: _Axis, old: int) -> tuple[int, int]:
    """The old pixels, half-open, that lie inside: of others little is seen."""
    ratio = old / axis.length
    return math.ceil(axis.start * ratio - 0.1), math.floor((axis.start + axis.pixels) * ratio + 0.1)


def _axes(box: Box, size: Size) -> tuple[_Axis, _Axis]:
    return _Axis(box.y0, box.height, size[0]), _Axis(box.x0, box.width, size[1])


def _near(old: int, axis: _Axis) -> range:
    apart = axis.beside()
    return range(max(old - apart, 1), min(old + apart, axis.length) + 1)


def _window(lines: Tensor, axis: _Axis) -> tuple[Tensor, _Axis]:
    """The middle of the liveliest of `(pixels, lines)`, without its mean, and the axis along it."""
    middle = axis.middle()
    first = middle.start - axis.start
    some = lines[first : first + middle.pixels]
    lively = some.diff(n=2, dim=0).abs().mean(0).topk(min(_LINES, some.shape[1])).indices
    return some[:, lively] - some[:, lively].mean(0), middle


def _periodic(luma: Tensor, down: _Axis, across: _Axis) -> list[int]:
    """Old widths whose pixels' middles differences of `(H, W)` follow most.

    Second differences do not show a factor of 2, third ones nearly no linear interpolation.
    """
    low, high = math.ceil(across.length / _MOST), math.floor(across.length / _LEAST)
    widths = torch.arange(max(low, 4), high + 1)
    score = torch.zeros(len(widths))
    for lines, axis in ((luma.T, across), (luma, down)):
        old = widths if axis is across else (widths * down.length / across.length).round()
        for order in (2, 3):
            level = (lines.diff(n=order, dim=0).abs().mean(1) + 1e-4).log()
            window = torch.hann_window(len(level) + 2, periodic=False)[1:-1]
            window = window / window.sum()
            place = torch.arange(len(level)) + axis.start + (order + 1) / 2
            wave = torch.cos(2 * math.pi / axis.length * old[:, None] * place)
            score += (wave @ (window * (level - window @ level))).abs()
    peaks = score[1:-1] >= torch.maximum(score[:-2], score[2:])
    score, widths = score[1:-1][peaks], widths[1:-1][peaks]
    return widths[score.topk(min(_TRIED, len(score))).indices].tolist()


def _likely(lines: Tensor, axis: _Axis, old: int) -> tuple[float, int, str]:
    """The less the likelier that old size, beside those a little off; with its interpolation."""
    error, kernel = min((_error(lines, axis, old, name), name) for name in _REACH)
    return (error + _ROUNDED) / (_beside(lines, axis, old, "catmull") + _ROUNDED), old, kernel


def _share(lines: Tensor, axis: _Axis, old: int, kernel: str) -> float:
    """The error of an old size beside that of sizes a little off."""
    others = _beside(lines, axis, old, kernel)
    error = _error(lines, axis, old, kernel)
    return (error + _ROUNDED) / (others + _ROUNDED) if others > _BLURRED else 1.0


def _beside(lines: Tensor, axis: _Axis, old: int, kernel: str) -> float:
    apart = axis.beside()
    return sum(_error(lines, axis, max(old + sign, 1), kernel) for sign in (-apart, apart)) / 2


def _error(lines: Tensor, axis: _Axis, old: int, kernel: str) -> float:
    """Of the middle one of `(pixels, lines)`: the deviation of what no old pixels give."""
    weights, _ = _weights(axis, old, kernel)
    rest = lines - weights @ _solved(weights, lines)
    free = max(len(weights) - weights.shape[1], 1)
    return float((rest.square().sum(0) / free).median().sqrt())


def _solved(weights: Tensor, lines: Tensor) -> Tensor:
    """The old pixels `(..., old, lines)` that give `(..., pixels, lines)` best."""
    mean = lines.mean(-2, keepdim=True)
    square = weights.T @ weights
    square.diagonal().add_(_RIDGE)
    factor = torch.linalg.cholesky(square).expand(*lines.shape[:-2], *square.shape)
    return torch.cholesky_solve(weights.T @ (lines - mean), factor) + mean


def _weights(axis: _Axis, old: int, kernel: str) -> tuple[Tensor, int]:
    """The interpolation as a matrix `(pixels, old pixels)`, and the number of its first pixel."""
    place = (axis.start + torch.arange(axis.pixels) + 0.5) * (old / axis.length) - 0.5
    reach = _REACH[kernel]
    first = math.floor(float(place[0])) - reach + 1
    last = math.floor(float(place[-1])) + reach
    weights = _kernel(kernel, place[:, None] - torch.arange(first, last + 1))
    return weights / weights.sum(1, keepdim=True), first


def _kernel(name: str, away: Tensor) -> Tensor:
    x = away.abs()
    if name == "linear":
        return (1 - x).clamp(min=0)
    if name == "lanczos":
        return torch.where(x < 3, torch.sinc(x) * torch.sinc(x / 3), 0)
    return bicubic(x, -0.5 if name == "catmull" else -0.75)


def bicubic(x: Tensor, a: float = -0.75) -> Tensor:
    """The kernel of bicubic interpolation, at distances in old pixels; torch's `a`."""
    inner = (a + 2) * x**3 - (a + 3) * x**2 + 1
    outer = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return torch.where(x < 1, inner, torch.where(x < 2, outer, 0))
