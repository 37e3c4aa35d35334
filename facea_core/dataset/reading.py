"""What a picture shows on the axes of the grid: read in hosts and in finished pictures alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..audit.upright import upright_crop
from ..detection.pose import roll_of, yaw_of
from ..evaluation.crops import face_crop
from ..evaluation.identity_encoder import AttributeProbe
from ..io.images import luma_of, resize
from ..masks import head_distance
from ..types import FaceAttributes
from .grid import MEASURED, Axis, Cell

Measures = Mapping[str, float]
"""Measured axis -> its number; an axis that could not be measured is not there."""

Thirds = Mapping[str, tuple[float, float]]
"""Measured axis -> where its middle level begins and ends."""

_SIDE = 32
_MOUTHS = {"smiling": ("smile", 1), "open mouth": ("open_mouth", 1)}


def measures_of(image: Tensor, face: FaceAttributes) -> Measures:
    """The numbers of the face in image `(1, 3, H, W)`.

    Yaw and roll in degrees; scale is the face's longer side in the picture's shorter; light how
    much brighter the right half of the face is, as a share; backdrop the mean luma around the head.
    """
    box, (height, width) = face.face, face.size
    found = {
        "roll": roll_of(face),
        "scale": max(box.width, box.height) / min(height, width),
        "light": _light(image, face),
        "backdrop": _backdrop(image, face),
    }
    yaw = yaw_of(face)
    return found if yaw is None else {**found, "yaw": yaw}


def _light(image: Tensor, face: FaceAttributes) -> float:
    luma = luma_of(upright_crop(image, face, _SIDE, scale=0.7))[0, 0]
    left, right = luma[:, : _SIDE // 2].mean(), luma[:, _SIDE // 2 :].mean()
    return float((right - left) / (right + left).clamp(min=1e-3))


def _backdrop(image: Tensor, face: FaceAttributes) -> float:
    size = (_SIDE, max(round(_SIDE * image.shape[3] / image.shape[2]), 1))
    around = resize((head_distance(face, 0.0) > 0).float(), size, mask=True)
    luma = resize(luma_of(image), size, mask=True)
    return float((luma * around).sum() / around.sum().clamp(min=1e-3))


def thirds_of(measured: Sequence[Measures]) -> Thirds:
    """The thirds of each axis over many pictures; an axis that nowhere was measured has none."""
    found = {}
    for axis in MEASURED:
        values = torch.tensor([one[axis] for one in measured if axis in one])
        if len(values):
            low, high = torch.quantile(values, torch.tensor([1 / 3, 2 / 3])).tolist()
            found[axis] = (low, high)
    return found


def levels_of(axes: Sequence[Axis], measured: Measures, thirds: Thirds) -> dict[str, str]:
    """The level of each measured axis that these numbers lie on."""
    levels = {}
    for axis in axes:
        if axis.name in measured and axis.name in thirds:
            low, high = thirds[axis.name]
            value = measured[axis.name]
            levels[axis.name] = MEASURED[axis.name][(value >= low) + (value > high)]
    return levels


@torch.no_grad()
def expressions_of(
    axes: Sequence[Axis],
    cell: Cell,
    image: Tensor,
    face: FaceAttributes,
    probe: AttributeProbe | None,
) -> dict[str, str]:
    """The level of each axis about a mouth that smiles or is open, as `probe` answers: that of the
    cell where it is seen.

    Only painted faces have a probe; of photographs, and of other words, nothing is read.
    """
    asked = [axis for axis in axes if axis.in_words and set(axis.levels) & set(_MOUTHS)]
    if probe is None or not asked:
        return {}
    answers = probe.look(face_crop(image, face.face, 64)).classes
    seen = [word for word, (question, yes) in _MOUTHS.items()
            if int(answers[question].argmax()) == yes]  # fmt: skip
    return {axis.name: _expression(axis, cell[axis.name], seen) for axis in asked}


def _expression(axis: Axis, wanted: str, seen: Sequence[str]) -> str:
    if wanted in seen or (not seen and wanted not in _MOUTHS):
        return wanted
    plain = next((level for level in axis.levels if level not in _MOUTHS), "neither")
    return next((word for word in seen if word in axis.levels), plain)
