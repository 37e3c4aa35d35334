"""What a U-Net does between its matrix multiplications, in Triton: group norm with SiLU, and GEGLU.

torch's own group norm on CUDA works on rows of pixels and makes a copy of all that lies channels
last, as convolutions want it; it gives rows back, and the next convolution copies once more, and so
does each of them on the way back. These leave channels last. Frozen weights get no gradient.

`training.blocks` imports this where Triton is there and the kernels agree with torch's.
"""

# Triton's types are of no use inside its kernels, nor where they are called.
# pyright: reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportReturnType=false

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

PIXELS, CHANNELS = 64, 64
"""What one program takes of an image."""
COLUMNS = 1024


def group_norm(x: Tensor, norm: nn.GroupNorm, *, silu: bool = False) -> Tensor:
    """`norm(x)` of `x (N, C, H, W)`, after SiLU if wanted; the result lies channels last."""
    return _GroupNorm.apply(x, norm.weight, norm.bias, norm.num_groups, norm.eps, silu)  # pyright: ignore


def geglu(x: Tensor) -> Tensor:
    """The first half of the last dimension times GELU of the second, `(..., 2 D) -> (..., D)`."""
    return _Geglu.apply(x)  # pyright: ignore


class _GroupNorm(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float, silu: bool
    ) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        ctx.how = how = pixels, channels, groups, eps, silu
        sums = _by_group(_sums, x, groups, x, pixels, channels, groups)
        y = torch.empty_like(x)
        _normalise[_grid(x)](x, weight, bias, sums, y, *how, PIXELS, CHANNELS)
        ctx.save_for_backward(x, weight, bias, sums)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, bias, sums = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        groups = ctx.how[2]
        shares = _by_group(_gradient_sums, x, groups, x, dy, weight, bias, sums, *ctx.how)
        dx = torch.empty_like(x)
        _gradient[_grid(x)](x, dy, weight, bias, sums, shares, dx, *ctx.how, PIXELS, CHANNELS)
        return dx, None, None, None, None, None


class _Geglu(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous()
        y = x.new_empty(*x.shape[:-1], x.shape[-1] // 2)
        _gate[_rows(y)](x, y, y.shape[-1], COLUMNS)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (x,) = ctx.saved_tensors
        dy, dx = dy.contiguous(), torch.empty_like(x)
        _gate_gradient[_rows(dy)](x, dy, dx, dy.shape[-1], COLUMNS)
        return dx


def _grid(x: Tensor) -> tuple[int, int, int]:
    pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
    return triton.cdiv(pixels, PIXELS), triton.cdiv(channels, CHANNELS), x.shape[0]


def _rows(y: Tensor) -> tuple[int, int]:
    return y.numel() // y.shape[-1], triton.cdiv(y.shape[-1], COLUMNS)


def _by_group(kernel: Any, x: Tensor, groups: int, *arguments: Any) -> Tensor:
    """Two sums over each group, `(N, 2, groups)`, always added up in the same order."""
    grid = _grid(x)
    parts = torch.empty(x.shape[0], grid[0], 2, x.shape[1], device=x.device)
    kernel[grid](parts, *arguments, PIXELS, CHANNELS)
    return parts.unflatten(3, (groups, -1)).sum((1, 4))


@triton.jit
def _sums(parts, x, pixels, channels, groups, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    """Of the shifted x and of its square, by channel, over a block of pixels."""
    at, inside, column = _tile(pixels, channels, PIXELS, CHANNELS)
    value = _shifted(x, at, inside, column, pixels, channels, groups)
    _store(parts, value, value * value, column, channels)


@triton.jit
def _normalise(
    x, weight, bias, sums, y, pixels, channels, groups, eps,
    SILU: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    at, inside, column = _tile(pixels, channels, PIXELS, CHANNELS)
    xhat, _ = _standard(x, sums, at, inside, column, pixels, channels, groups, eps)
    z = _affine(xhat, weight, bias, column, channels)
    if SILU:
        z = z * tl.sigmoid(z)
    tl.store(y + at, z.to(y.dtype.element_ty), mask=inside)


@triton.jit
def _gradient_sums(
    parts, x, dy, weight, bias, sums, pixels, channels, groups, eps,
    SILU: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """Of the gradient of the normalised values, and of its product with them."""
    at, inside, column = _tile(pixels, channels, PIXELS, CHANNELS)
    xhat, _ = _standard(x, sums, at, inside, column, pixels, channels, groups, eps)
    g = _incoming(dy, xhat, weight, bias, at, inside, column, channels, SILU)
    _store(parts, g, g * xhat, column, channels)


@triton.jit
def _gradient(
    x, dy, weight, bias, sums, shares, dx, pixels, channels, groups, eps,
    SILU: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    at, inside, column = _tile(pixels, channels, PIXELS, CHANNELS)
    xhat, scale = _standard(x, sums, at, inside, column, pixels, channels, groups, eps)
    g = _incoming(dy, xhat, weight, bias, at, inside, column, channels, SILU)
    level, slope = _of_group(shares, column, pixels, channels, groups)
    out = scale[None, :] * (g - level[None, :] - xhat * slope[None, :])
    tl.store(dx + at, out.to(dx.dtype.element_ty), mask=inside)


@triton.jit
def _tile(pixels, channels, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    """Places of this program's values, which of them exist, and their channels."""
    row = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    column = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    image = tl.program_id(2).to(tl.int64) * pixels * channels
    inside = (row < pixels)[:, None] & (column < channels)[None, :]
    return image + row[:, None] * channels + column[None, :], inside, column


@triton.jit
def _store(parts, first, second, column, channels):
    block = tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)
    to = parts + 2 * block * channels + column
    tl.store(to, tl.sum(first, 0), mask=column < channels)
    tl.store(to + channels, tl.sum(second, 0), mask=column < channels)


@triton.jit
def _of_group(sums, column, pixels, channels, groups):
    """The two means of each channel's group."""
    width = channels // groups
    group = tl.minimum(column, channels - 1) // width
    of = sums + 2 * tl.program_id(2) * groups + group
    count = pixels * width
    return tl.load(of) / count, tl.load(of + groups) / count


@triton.jit
def _shifted(x, at, inside, column, pixels, channels, groups):
    """x less the first value of its group, 0 where there is none.

    Of numbers far from 0 the mean square less the squared mean is all rounding; of their distances
    from one of them it is not.
    """
    width = channels // groups
    first = tl.minimum(column, channels - 1) // width * width
    image = tl.program_id(2).to(tl.int64) * pixels * channels
    shift = tl.load(x + image + first).to(tl.float32)
    value = tl.load(x + at, mask=inside, other=0).to(tl.float32)
    return tl.where(inside, value - shift[None, :], 0)


@triton.jit
def _standard(x, sums, at, inside, column, pixels, channels, groups, eps):
    """x with mean 0 and deviation 1 in each group, and the factor that did it."""
    mean, square = _of_group(sums, column, pixels, channels, groups)
    scale = 1 / tl.sqrt(tl.maximum(square - mean * mean, 0) + eps)
    value = _shifted(x, at, inside, column, pixels, channels, groups)
    return tl.where(inside, (value - mean[None, :]) * scale[None, :], 0), scale


@triton.jit
def _affine(xhat, weight, bias, column, channels):
    w = tl.load(weight + column, mask=column < channels, other=0).to(tl.float32)
    b = tl.load(bias + column, mask=column < channels, other=0).to(tl.float32)
    return xhat * w[None, :] + b[None, :]


@triton.jit
def _incoming(dy, xhat, weight, bias, at, inside, column, channels, SILU: tl.constexpr):
    """The gradient of the normalised values."""
    g = tl.load(dy + at, mask=inside, other=0).to(tl.float32)
    if SILU:
        z = _affine(xhat, weight, bias, column, channels)
        s = tl.sigmoid(z)
        g = g * s * (1 + z * (1 - s))
    w = tl.load(weight + column, mask=column < channels, other=0).to(tl.float32)
    return g * w[None, :]


@triton.jit
def _gate(x, y, width, COLUMNS: tl.constexpr):
    row, column = _place(COLUMNS)
    inside = column < width
    a = tl.load(x + 2 * row * width + column, mask=inside).to(tl.float32)
    b = tl.load(x + (2 * row + 1) * width + column, mask=inside).to(tl.float32)
    tl.store(y + row * width + column, (a * b * _phi(b)).to(y.dtype.element_ty), mask=inside)


@triton.jit
def _gate_gradient(x, dy, dx, width, COLUMNS: tl.constexpr):
    row, column = _place(COLUMNS)
    inside = column < width
    first, second = 2 * row * width + column, (2 * row + 1) * width + column
    a = tl.load(x + first, mask=inside).to(tl.float32)
    b = tl.load(x + second, mask=inside).to(tl.float32)
    g = tl.load(dy + row * width + column, mask=inside).to(tl.float32)
    phi = _phi(b)
    bell = 0.3989422804014327 * tl.exp(-0.5 * b * b)
    tl.store(dx + first, (g * b * phi).to(dx.dtype.element_ty), mask=inside)
    tl.store(dx + second, (g * a * (phi + b * bell)).to(dx.dtype.element_ty), mask=inside)


@triton.jit
def _place(COLUMNS: tl.constexpr):
    return tl.program_id(0).to(tl.int64), tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)


@triton.jit
def _phi(b):
    """The share of a normal distribution below b."""
    return 0.5 * (1 + tl.erf(0.7071067811865476 * b))
