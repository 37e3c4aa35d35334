"""Rectangles on the canvas, half-open: which overlap, and which lies inside another."""

from __future__ import annotations

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a: Rect, b: Rect) -> bool:
    """Whether all of `a` lies in `b`."""
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]
