"""The hair's outline: the cap in front, the hair behind, curls, waves and bun."""

from __future__ import annotations

import torch
from torch import Tensor

from .look import Look
from .sdf import circle, squircle, wave

# Sine and cosine of the curls' places from below the ear to the crown (a quarter turn).
_CURLS = ((-0.20, 0.98), (0.174, 0.985), (0.5, 0.866), (0.766, 0.643), (0.940, 0.342), (1.0, 0.0))


_FAR = 9.0


def _outline(x: Tensor, y: Tensor, a: Tensor, up: Tensor, middle: Tensor, end: Tensor) -> Tensor:
    """A round top of height `up`, straight sides, and a rounded end between two heights."""
    low = (end - middle).clamp(min=0.05)
    v = y.clamp(max=0.0).div_(up) + (y - middle).clamp_(min=0.0).div_(low)
    upper = y < 0.0
    return squircle(x / a, v, a, torch.where(upper, up, low), torch.where(upper, 0.3, 0.9))


def _curls(x: Tensor, y: Tensor, a: Tensor, b: Tensor, size: Tensor) -> Tensor:
    """Distance to a garland of circles on the ellipse (a, b), symmetrical about x = 0."""
    side = x.abs()
    nearest: Tensor | None = None
    for up, across in _CURLS:
        dx = side - a * across
        dy = y + b * up
        squared = dx.mul_(dx).add_(dy.mul_(dy))
        nearest = squared if nearest is None else torch.minimum(nearest, squared)
    assert nearest is not None
    return nearest.sqrt_().sub_(size)


def waved(look: Look, x: Tensor, y: Tensor) -> Tensor:
    """x bent to and fro below the crown, alike on both sides, for people with wavy hair."""
    size = look["style_wave"]
    if not bool((size > 0.0).any()):
        return x
    return x + (y + 0.3).clamp_(0.0, 1.0).mul_(wave(y * 2.4)).mul_(x.sign()).mul_(size)


def hair_behind(look: Look, x: Tensor, y: Tensor, bent: Tensor) -> Tensor:
    """Distance to the hair that the neck and head cover; far everywhere without such hair.

    `bent` is x as `waved` gives it.
    """
    out, bun = look["style_back_out"], look["style_bun"]
    end = look["style_back_end"]
    b = look["top"] + look["style_back_up"]
    d = _outline(bent, y, look["width"] + out, b, end - 0.30, end).add_((out <= 0.0) * _FAR)
    if bool((bun > 0.0).any()):
        ball = circle(x, y + look["top"] + 0.11, bun).add_((bun <= 0.0) * _FAR)
        d = torch.minimum(d, ball)
    return d


def hair_in_front(look: Look, x: Tensor, y: Tensor, bent: Tensor) -> Tensor:
    """Distance to the cap of hair around the face opening; far everywhere if bald.

    `bent` is x as `waved` gives it.
    """
    width, end, curl = look["width"], look["style_end"], look["style_curl"]
    a = width + look["style_out"]
    b = look["top"] + look["style_up"]
    d = _outline(bent, y, a, b, end - 0.25, end)
    if bool((curl > 0.0).any()):
        d = torch.minimum(d, _curls(x, y, a, b, curl).add_((curl <= 0.0) * _FAR))

    # The opening has no lower end: the cap's own end closes it.
    centre = 0.22
    high = centre - (look["hairline"] + look["style_shift"])
    v = y - centre - look["style_slant"] * x - look["style_peak"] * x.abs()
    half = width * look["style_opening"]
    opening = squircle(x / half, v.clamp_(max=0.0).div_(high), half, high, look["style_square"])
    return torch.maximum(d, opening.neg_()).add_((look["haired"] <= 0.0) * _FAR)
