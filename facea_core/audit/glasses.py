"""Whether a face wears glasses in one photo.

In painted faces a probe sees it; in photographs the bars of the frame tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from ..io.images import luma_of
from ..synthetic.parameters import GLASSES
from .painted import SURE
from .upright import Turn

WORN = "glasses"
"""As captions say it."""

_PUPILS = (68, 69)

# A level view of this side, its middle between the eyes, which lie so far apart. A frame's bars lie
# across the nose and from the eyes to the temples, in these rows and columns.
_SIDE, _APART = 128, 48
_ROWS, _BRIDGE, _TEMPLE = slice(50, 74), slice(60, 69), slice(6, 20)
_OTHER_TEMPLE = slice(_SIDE - _TEMPLE.stop, _SIDE - _TEMPLE.start)
_FACE = (slice(36, 104), slice(16, 112))

# How strong the bars are together: from the first on there are glasses, below the second none.
# docs/detection.md says how often both are right.
_THERE, _NONE = 0.8, 0.55


def painted_glasses(read: Mapping[str, Tensor]) -> str | None:
    """What a caption says of the glasses by `read_painted`; "" = none are worn, None = not sure."""
    kind = int(read["glasses"].argmax())
    if float(read["glasses"][kind]) < SURE:
        return None
    return f"{GLASSES[kind]} {WORN}" if kind else ""


def photographed_glasses(image: Tensor, points: np.ndarray) -> str | None:
    """The same of a photograph (1, 3, H, W) in which `face_points` are these."""
    bars = frame_bars(image, points)
    return WORN if bars >= _THERE else "" if bars < _NONE else None


def frame_bars(image: Tensor, points: np.ndarray) -> float:
    """How strong the bars of a frame are across the nose and at the weaker temple, in standard
    deviations of the face's luma."""
    right, left = points[list(_PUPILS)]
    across, (x, y) = left - right, (left + right) / 2
    span = max(float(np.hypot(*across)), 1.0) * _SIDE / _APART
    roll = math.degrees(math.atan2(across[1], across[0]))
    view = Turn(x, y, span, roll, _SIDE).sample(image)
    luma = luma_of(view)[0, 0]
    steps = luma.diff(dim=0)[_ROWS] / (luma[_FACE].std() + 1e-3)
    bridge, *temples = (_bar(steps[:, some]) for some in (_BRIDGE, _TEMPLE, _OTHER_TEMPLE))
    return bridge + min(temples)


def _bar(steps: Tensor) -> float:
    """How far brightness rises and falls from row to row, as a mean over the columns."""
    rows = steps.mean(dim=1)
    return float(rows.max() - rows.min())
