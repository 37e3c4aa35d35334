"""Rectangles of pixels."""

from __future__ import annotations

from typing import NamedTuple

Size = tuple[int, int]


class Box(NamedTuple):
    """Half-open pixel rectangle: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        return max(self.width, 0) * max(self.height, 0)

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def clip(self, size: Size) -> Box:
        """The part of the box inside an image of `size` (H, W); may be empty."""
        height, width = size
        x0, x1 = (min(max(x, 0), width) for x in (self.x0, self.x1))
        y0, y1 = (min(max(y, 0), height) for y in (self.y0, self.y1))
        return Box(x0, y0, max(x0, x1), max(y0, y1))

    def grow(self, factor: float) -> Box:
        """Scale about the centre; 1.0 leaves it as it is. Not clipped."""
        (cx, cy), half_w, half_h = self.center, self.width * factor / 2, self.height * factor / 2
        return Box(round(cx - half_w), round(cy - half_h), round(cx + half_w), round(cy + half_h))

    def shift(self, dx: int, dy: int) -> Box:
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def scale(self, sx: float, sy: float) -> Box:
        """The same rectangle after the image was resized by (sx, sy)."""
        return Box(
            round(self.x0 * sx), round(self.y0 * sy), round(self.x1 * sx), round(self.y1 * sy)
        )

    def intersect(self, other: Box) -> Box:
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box(x0, y0, max(x0, x1), max(y0, y1))

    def join(self, other: Box) -> Box:
        """Smallest box around both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def iou(self, other: Box) -> float:
        """Intersection over union in [0, 1]."""
        shared = self.intersect(other).area
        return shared / max(self.area + other.area - shared, 1)


def square_around(center: tuple[float, float], side: int, size: Size) -> Box:
    """The square of `side` pixels about `center` (x, y), moved inside an image of `size` (H, W).

    Along an axis on which it does not fit it lies about the middle, and reaches outside.
    """
    (cx, cy), (height, width) = center, size
    x0, y0 = _start(cx, side, width), _start(cy, side, height)
    return Box(x0, y0, x0 + side, y0 + side)


def _start(center: float, side: int, length: int) -> int:
    if side >= length:
        return (length - side) // 2
    return min(max(round(center - side / 2), 0), length - side)
