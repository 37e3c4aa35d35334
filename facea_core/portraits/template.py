"""A picture to paint people into, and whether its faces are fit for that."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..detection.base import Detector
from ..detection.config import EVERY_FACE, DetectConfig
from ..detection.detect import detect_chosen
from ..detection.pose import yaw_of
from ..types import FaceAttributes

MOST_YAW = 45.0
"""Degrees from which on a head is seen from the side, where little of a face is learned."""

LEAST_FACE = 0.2
"""Side of a face in sides of the model's native image, below which it is painted too coarsely."""

_SEARCHED = DetectConfig(
    "face, eyes, nose, mouth, hair", face_index=EVERY_FACE, face_order="left-to-right",
    on_missing="skip",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Template:
    """A picture `image (1, 3, H, W)` and those of its faces that people can be painted over, from
    left to right.

    `prompt` is what it shows beside them, `keep (1, 1, H, W)` what lies in front of faces. `unfit`
    says of the other faces why not.
    """

    name: str
    image: Tensor
    faces: tuple[FaceAttributes, ...]
    prompt: str = ""
    keep: Tensor | None = None
    unfit: tuple[str, ...] = ()

    def lacks(self, people: int) -> str:
        """Why that many people cannot be painted into it; "" if they can."""
        if len(self.faces) >= people:
            return ""
        found = f"{len(self.faces)} of {people} faces"
        return f"{found}: {'; '.join(self.unfit)}" if self.unfit else f"{found} found"


def examine(
    image: Tensor, name: str, detector: Detector, resolution: int, prompt: str = "",
    faces: str = "", keep: Tensor | None = None,
) -> Template:  # fmt: skip
    """The template that a picture (1, 3, H, W) makes for a model of that resolution.

    `faces` are numbers from 0, from left to right, of the faces that count: "0, 2"; empty = all.
    Raises ConfigError for another text, ImageError and MaskError for what cannot be used.
    """
    (seen,) = detect_chosen([image], detector, _SEARCHED)
    wanted = DetectConfig("face", faces=faces).wanted if faces.strip() else range(len(seen))
    fit, unfit = [], []
    for number in wanted or ():
        if number >= len(seen):
            unfit.append(f"face {number + 1} is not there")
            continue
        reasons = _reasons(seen[number], resolution)
        if reasons:
            unfit.append(f"face {number + 1}: {', '.join(reasons)}")
        else:
            fit.append(seen[number])
    return Template(name, image, tuple(fit), prompt, keep, tuple(unfit))


def _reasons(face: FaceAttributes, resolution: int) -> list[str]:
    reasons, (height, width), box = [], face.size, face.face
    side, least = max(box.width, box.height), round(LEAST_FACE * resolution)
    if side < least:
        reasons.append(f"{side} px large, and {least} px are needed at {resolution} px")
    if box.x0 <= 0 or box.y0 <= 0 or box.x1 >= width or box.y1 >= height:
        reasons.append("touches the border")
    yaw = yaw_of(face)
    if yaw is not None and abs(yaw) > MOST_YAW:
        reasons.append(f"turned to the side by about {abs(yaw):.0f} degrees")
    return reasons
