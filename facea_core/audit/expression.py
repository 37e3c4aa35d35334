"""What a face does in one photo and is not the person's: whether it smiles, or its mouth is open.

In painted faces a probe sees it; in photographs the points of the face tell.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from .painted import SURE

SMILING, OPEN = "smiling", "an open mouth"
"""As captions say it; facea-tiny knows both."""

# Of a photograph, by iBUG's points: how wide the mouth is in face widths, less a sixth of how far
# its corners lie below the nose in distances of the outer eye corners; and how far the lips are
# apart in these. docs/detection.md says how often both are right.
_SMILE, _APART = 0.375, 0.10
_CHEEKS, _EYES, _CORNERS, _NOSE = (1, 15), (36, 45), (48, 54), 33
_LIPS = ((61, 67), (62, 66), (63, 65))


def painted_expression(read: Mapping[str, Tensor]) -> tuple[str, ...]:
    """`SMILING` and `OPEN`, those of which `read_painted` is sure."""
    return _said(*(float(read[name][1]) >= SURE for name in ("smile", "open_mouth")))


def photographed_expression(points: np.ndarray) -> tuple[str, ...]:
    """`SMILING` and `OPEN` by the points of `face_points`, in any scale, level or not."""
    right, left = points[list(_EYES)]
    unit = max(float(np.hypot(*(left - right))), 1e-6)
    down = np.array([right[1] - left[1], left[0] - right[0]]) / unit
    wide = _between(points, _CORNERS) / max(_between(points, _CHEEKS), 1e-6)
    below = float((points[list(_CORNERS)].mean(axis=0) - points[_NOSE]) @ down) / unit
    apart = sum(_between(points, pair) for pair in _LIPS) / len(_LIPS) / unit
    return _said(wide - below / 6 >= _SMILE, apart >= _APART)


def _said(smiling: bool, mouth: bool) -> tuple[str, ...]:
    return (SMILING,) * smiling + (OPEN,) * mouth


def _between(points: np.ndarray, pair: tuple[int, int]) -> float:
    return float(np.hypot(*(points[pair[1]] - points[pair[0]])))
