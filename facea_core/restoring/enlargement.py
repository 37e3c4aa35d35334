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

_PROOF = 0.7
"""The right size's error is below this share of that of sizes beside it."""

_REACH = {"catmull": 2, "bicubic": 2, "linear": 1, "lanczos": 3}
"""Interpolations, by the old pixels to either side that they look at: Pillow's bicubic is Catmull
and Rom's, torch's is sharper."""

_ROUNDED = 0.1 / 255
"""Errors that are as good as none."""

_RIDGE = 1e-5
"""Keeps pixels that are hardly seen from growing."""


class Enlargement(NamedTuple):
    """An image had `size` (H, W) pixels, and was enlarged `times` by an `interpolation`."""

    size: Size
    interpolation: str
    times: float


class _Axis(NamedTuple):
    """`count` pixels of an image of `length`, from `start` on."""

    start: int
    count: int
    length: int

    def middle(self) -> _Axis:
        count = min(self.count, _WINDOW)
        return _Axis(self.start + (self.count - count) // 2, count, self.length)

    def beside(self) -> int:
        """By how much old sizes differ that drift apart by a pixel along these."""
        return max(round(self.length / self.count), 1)


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
    share, best, kernel = min(_share(columns, across, old) for old in sizes)
    if share > _PROOF:
        return None
    best = min(_near(best, across), key=lambda old: _error(columns, across, old, kernel))
    other = round(best * down.length / across.length)
    other = min(_near(other, down), key=lambda old: _error(rows, down, old, kernel))
    if _share(rows, down, other)[0] > _PROOF:
        return None
    return Enlargement((other, best), kernel, math.sqrt(math.prod(size) / (other * best)))


def undone(picture: Tensor, box: Box, size: Size, found: Enlargement) -> tuple[Tensor, Size]:
    """The old pixels `(1, 3, h, w)` in that `box`, and the row and column of the first one."""
    small, corner = picture[0], []
    for axis, old in zip(_axes(box, size), found.size, strict=True):
        small, first = _shrunk(small, axis, old, found.interpolation)
        small = small.mT  # the other axis is next
        corner.append(first)
    return small[None].clamp(0, 1), (corner[0], corner[1])


def _axes(box: Box, size: Size) -> tuple[_Axis, _Axis]:
    return _Axis(box.y0, box.height, size[0]), _Axis(box.x0, box.width, size[1])


def _near(old: int, axis: _Axis) -> range:
    apart = axis.beside()
    return range(max(old - apart, 1), min(old + apart, axis.length) + 1)


def _window(lines: Tensor, axis: _Axis) -> tuple[Tensor, _Axis]:
    """The middle of the liveliest of `(count, lines)`, without its mean, and the axis along it."""
    middle = axis.middle()
    first = middle.start - axis.start
    some = lines[first : first + middle.count]
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


def _share(lines: Tensor, axis: _Axis, old: int) -> tuple[float, int, str]:
    """The error of that old size beside that of sizes a little off; and its interpolation."""
    apart = axis.beside()
    beside = [_error(lines, axis, max(old + sign * apart, 1), "catmull") for sign in (-1, 1)]
    error, kernel = min((_error(lines, axis, old, kernel), kernel) for kernel in _REACH)
    return (error + _ROUNDED) / (sum(beside) / 2 + _ROUNDED), old, kernel


def _error(lines: Tensor, axis: _Axis, old: int, kernel: str) -> float:
    """Of the middle one of `(count, lines)`: the deviation of what no old pixels give."""
    weights, _ = _weights(axis, old, kernel)
    rest = lines - weights @ _solved(weights, lines)
    free = max(len(weights) - weights.shape[1], 1)
    return float((rest.square().sum(0) / free).median().sqrt())


def _shrunk(picture: Tensor, axis: _Axis, old: int, kernel: str) -> tuple[Tensor, int]:
    """`(..., count, lines)` in old pixels, those that are seen well, and where they start."""
    weights, first = _weights(axis, old, kernel)
    mean = picture.mean(-2, keepdim=True)
    small = _solved(weights, picture - mean) + mean
    ratio = old / axis.length
    low, high = axis.start * ratio, (axis.start + axis.count) * ratio
    start, end = math.ceil(low - 0.1), math.floor(high + 0.1)
    return small[..., start - first : end - first, :], start


def _solved(weights: Tensor, lines: Tensor) -> Tensor:
    square = weights.T @ weights
    square.diagonal().add_(_RIDGE)
    return torch.cholesky_solve(weights.T @ lines, torch.linalg.cholesky(square))


def _weights(axis: _Axis, old: int, kernel: str) -> tuple[Tensor, int]:
    """The interpolation as a matrix `(count, old pixels)`, and the number of its first pixel."""
    place = (axis.start + torch.arange(axis.count) + 0.5) * (old / axis.length) - 0.5
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
