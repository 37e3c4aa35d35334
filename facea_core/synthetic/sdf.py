"""Signed distances and coverage for the painter of cartoon faces.

Every helper uses only additions, multiplications, divisions, square roots, comparisons and
clamps. These are rounded alike in vectorised and scalar code, so on a CPU a pixel's value depends
neither on the batch it is computed in nor on the number of threads. Sine, exponential and fused
operations would break that.

Distances are in the unit of the coordinates given, negative inside. Shapes broadcast.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-6


def coverage(distance: Tensor, pixel: Tensor) -> Tensor:
    """Share of a pixel inside the shape, in [0,1]; `pixel` is a pixel's side in the same unit."""
    return (distance * (-1.0 / pixel)).add_(0.5).clamp_(0.0, 1.0)


def soft(distance: Tensor, width: Tensor | float) -> Tensor:
    """A smooth edge `width` units wide, centred on the outline: 1 inside, 0 outside."""
    t = (distance * (-1.0 / width)).add_(0.5).clamp_(0.0, 1.0)
    return (t * -2.0).add_(3.0).mul_(t).mul_(t)


def bump(squared: Tensor) -> Tensor:
    """A soft spot: (1 - r²)² for a squared relative radius r², 0 from r = 1 on."""
    t = (1.0 - squared).clamp_(min=0.0)
    return t.mul_(t)


def length(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean length of (x, y)."""
    return (x * x).add(y * y).sqrt_()


def circle(x: Tensor, y: Tensor, radius: Tensor | float) -> Tensor:
    """Distance to a circle about the origin."""
    return length(x, y) - radius


def ellipse(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float) -> Tensor:
    """First-order distance to an ellipse about the origin with half-axes a and b."""
    return squircle(x / a, y / b, a, b, None)


def squircle(
    u: Tensor,
    v: Tensor,
    a: Tensor | float,
    b: Tensor | float,
    square: Tensor | float | None,
) -> Tensor:
    """First-order distance to u² + v² - q u² v² = 1, with u = x/a, v = y/b and q = `square`.

    q = 0 (or None) is an ellipse, q → 1 approaches its bounding rectangle. u and v may be bent by
    the caller (clamped, tapered) as long as a and b stay close to the local scale.
    """
    uu = u * u
    vv = v * v
    value = uu + vv
    # The squared gradient of u² + v², then of the whole.
    gx, gy = uu * (4.0 / (a * a)), vv * (4.0 / (b * b))
    if square is not None:
        # Unclamped, the product would win far out and make four false corners.
        uq = uu.clamp_(max=1.0).mul(square)
        vc = vv.clamp_(max=1.0)
        value.sub_(uq * vc)
        slope_x = (vc * square).neg_().add_(1.0)
        slope_y = uq.neg_().add_(1.0)
        gx = gx.mul_(slope_x).mul_(slope_x)
        gy = gy.mul_(slope_y).mul_(slope_y)
    return value.sub_(1.0).div_(gx.add(gy).sqrt_().add_(_TINY))


def rounded_box(x: Tensor, y: Tensor, a: Tensor, b: Tensor, corner: Tensor) -> Tensor:
    """Distance to a rectangle of half-sides a and b with corners rounded to radius `corner`."""
    dx = x.abs() - (a - corner)
    dy = y.abs() - (b - corner)
    outside = length(dx.clamp(min=0.0), dy.clamp(min=0.0))
    return outside + torch.maximum(dx, dy).clamp_(max=0.0) - corner


def band(y: Tensor, top: Tensor, bottom: Tensor) -> Tensor:
    """Vertical distance to the strip between two curves; positive where the curves cross over."""
    return torch.maximum(top - y, y - bottom)


def wave(t: Tensor) -> Tensor:
    """A sine-like wave of period 1 and amplitude 1, made of parabolas."""
    f = t - t.floor()
    f = 2.0 * f - 1.0
    return 4.0 * f * (f.abs() - 1.0) * -1.0


def fraction(t: Tensor) -> Tensor:
    """The part of t after the decimal point, in [0,1)."""
    return t - t.floor()


def hue(h: Tensor, saturation: Tensor | float, value: Tensor | float) -> Tensor:
    """RGB (N,3,1,1) in [0,1] of a hue h (N,1,1,1) in turns, with saturation and value in [0,1]."""
    shift = torch.tensor([0.0, 2.0 / 3.0, 1.0 / 3.0], device=h.device).view(1, 3, 1, 1)
    ramp = ((fraction(h + shift) * 6.0 - 3.0).abs() - 1.0).clamp_(0.0, 1.0)
    return (1.0 - saturation * (1.0 - ramp)) * value
