"""How a head is turned, from where its parts were found."""

from __future__ import annotations

import math

from ..types import FaceAttributes


def roll_of(face: FaceAttributes) -> float:
    """Degrees, clockwise positive: as measured at the eyes, else from the line eyes to mouth.

    0 where neither was seen; estimated parts say nothing.
    """
    if face.roll is not None and math.isfinite(face.roll):
        return face.roll
    eyes, mouth = face.part("eyes"), face.part("mouth")
    if eyes is None or mouth is None or eyes.estimated or mouth.estimated:
        return 0.0
    (x0, y0), (x1, y1) = eyes.box.center, mouth.box.center
    if y1 <= y0:
        return 0.0
    return math.degrees(math.atan2(x0 - x1, y1 - y0))


def yaw_of(face: FaceAttributes) -> float | None:
    """Roughly how far the head is turned, in degrees, positive to the image's right.

    From how far eyes, nose and mouth lie off the middle of the face, as on a ball. None where the
    face is cut by the border or too little was seen; beyond 40 degrees the figure means little.
    """
    height, width = face.size
    box = face.face
    if box.x0 <= 0 or box.x1 >= width or not box.area:
        return None
    angle, (cx, cy) = math.radians(roll_of(face)), box.center
    seen = [face.part(name) for name in ("eyes", "nose", "mouth")]
    offsets = []
    for part in seen:
        if part is not None and not part.estimated:
            x, y = part.box.center
            across = (x - cx) * math.cos(angle) + (y - cy) * math.sin(angle)
            offsets.append(across / box.width)
    if len(offsets) < 2:
        return None
    return math.degrees(math.asin(min(max(2 * sum(offsets) / len(offsets), -1.0), 1.0)))
