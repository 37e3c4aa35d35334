"""Where the parts of a face belong: what is known before anybody looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..types import Box

_WHOLE_FACE = 0.7
"""IoU with the face from which a candidate is the face itself, whatever was asked."""

LEVELS = ("eyes", "eyebrows", "nose", "mouth")
"""Parts whose levels hang together."""

# How far down the nose's centre lies from that of the eyes (brows) to that of the mouth: usual
# share and its spread. Of all distances this one differs least between photographs (eyes 0.31,
# brows 0.42), synthetic faces (0.34, 0.52) and detectors' ideas of where a face ends.
_NOSE_LEVEL = {"eyes": (0.33, 0.07), "eyebrows": (0.46, 0.09)}

_STRANGE = 0.05
"""Least fit of levels: strange ones are doubted and not excluded."""


@dataclass(frozen=True)
class Prior:
    """Where a part belongs and how large it is, in units of the face box's width and height.

    `x`, `y` is the usual centre (0, 0 = the box's top left) and `dx`, `dy` its standard deviation;
    `width` and `height` are the ranges that occur. `reach`: a part lies inside the face box grown
    by this factor.
    """

    x: float
    y: float
    dx: float
    dy: float
    width: tuple[float, float]
    height: tuple[float, float]
    reach: float = 1.2


# Measured on synthetic faces and on 68-point landmarks of photographs, widened for turned heads.
PRIORS: dict[str, Prior] = {
    "eyes": Prior(0.50, 0.38, 0.10, 0.08, (0.50, 1.00), (0.06, 0.36)),
    "eyebrows": Prior(0.50, 0.25, 0.10, 0.10, (0.55, 1.05), (0.02, 0.34)),
    "nose": Prior(0.50, 0.51, 0.13, 0.09, (0.10, 0.44), (0.15, 0.46)),
    "mouth": Prior(0.50, 0.77, 0.13, 0.07, (0.24, 0.66), (0.05, 0.32)),
    "hair": Prior(0.50, 0.18, 0.10, 0.24, (0.90, 2.10), (0.30, 2.00), reach=2.6),
    "beard": Prior(0.50, 0.82, 0.12, 0.14, (0.30, 1.10), (0.12, 0.75), reach=1.5),
    "ears": Prior(0.50, 0.45, 0.12, 0.12, (0.90, 1.50), (0.10, 0.50), reach=1.6),
    "glasses": Prior(0.50, 0.38, 0.10, 0.10, (0.55, 1.25), (0.12, 0.48), reach=1.4),
}
"""By attribute name. One without an entry is weighed by its score alone, inside the face."""

# One half of a pair as seen in the image: the left one; the right one mirrors it.
HALVES: dict[str, Prior] = {
    "eyes": Prior(0.28, 0.38, 0.08, 0.08, (0.12, 0.40), (0.05, 0.30)),
    "eyebrows": Prior(0.27, 0.25, 0.08, 0.10, (0.16, 0.50), (0.02, 0.28)),
    "ears": Prior(0.00, 0.45, 0.12, 0.12, (0.04, 0.35), (0.10, 0.50), reach=1.6),
}


def likelihood(box: Box, face: Box, prior: Prior | None) -> float:
    """How well a box fits a prior, in [0, 1]; 0 if it leaves the region where the part can be."""
    if box.area == 0 or face.area == 0:
        return 0.0
    region = face.grow(prior.reach if prior else 1.2)
    if box.intersect(region).area < 0.7 * box.area or box.iou(face) > _WHOLE_FACE:
        return 0.0
    if prior is None:
        return 1.0
    x = (box.center[0] - face.x0) / face.width
    y = (box.center[1] - face.y0) / face.height
    position = bell((x - prior.x) / prior.dx) * bell((y - prior.y) / prior.dy)
    width = _range(box.width / face.width, prior.width)
    height = _range(box.height / face.height, prior.height)
    return position * width * height


def bell(deviations: float) -> float:
    return math.exp(-0.5 * deviations * deviations)


def _range(value: float, limits: tuple[float, float]) -> float:
    """1 within the limits, falling off on a scale of ratios outside."""
    low, high = limits
    if low <= value <= high:
        return 1.0
    return bell(math.log(value / (low if value < low else high)) / 0.25)


def together(levels: dict[str, float], face: Box) -> float:
    """How well the levels (y in pixels) of eyes, eyebrows, nose and mouth fit, in (0, 1]."""
    fit = 1.0
    nose, mouth = levels.get("nose"), levels.get("mouth")
    if nose is not None and mouth is not None:
        for name, (usual, spread) in _NOSE_LEVEL.items():
            if (upper := levels.get(name)) is not None:
                share = (nose - upper) / max(mouth - upper, 1)
                fit *= max(bell((share - usual) / spread), _STRANGE)
    if "eyes" in levels and "eyebrows" in levels:
        apart = (levels["eyes"] - levels["eyebrows"]) / face.height
        fit *= max(bell((apart - 0.11) / 0.06), _STRANGE)
    return fit
