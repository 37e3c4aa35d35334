"""What is wrong with one photo by itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import FaceAttributes
from .config import AuditConfig
from .values import AMBER, GREEN, RED, Finding, Measures


def judge(
    measures: Measures, faces: Sequence[FaceAttributes], asked: int, config: AuditConfig
) -> list[Finding]:
    """The findings about a photo with these measures, most severe checks first.

    `faces` are those it was measured from, `asked` how many attributes were looked for.
    """
    if not measures.faces:
        return [
            Finding("no_face", RED, "no face found, or left out by on_missing: use a photo in "
                    "which it is upright, lit and not too small, or another detector")
        ]  # fmt: skip
    found = [*_size(measures, config), *_sharpness(measures, config), *_light(measures, config)]
    found += _parts(measures, asked)
    if measures.colourless:
        found.append(
            Finding("colourless", AMBER, "the photo has no colours, and the person turns grey with "
                    "it: leave it out if others have them, or caption it “black and white”")
        )  # fmt: skip
    if measures.faces > 1:
        found.append(
            Finding("several_faces", AMBER, f"{measures.faces} faces in the photo, the first in "
                    "the face order is taken: cut the photo so that only the person is in it")
        )  # fmt: skip
    face = next(one for one in faces if one.score > 0)
    height, width = face.size
    box = face.face
    if box.x0 <= 0 or box.y0 <= 0 or box.x1 >= width or box.y1 >= height:
        found.append(
            Finding("cut_face", AMBER, "the face touches the border of the photo: use one in "
                    "which the whole head is to be seen")
        )  # fmt: skip
    return found


def _size(measures: Measures, config: AuditConfig) -> list[Finding]:
    side = measures.face_px or 0
    status = config.face.below(side)
    if status == GREEN:
        return []
    return [
        Finding("small_face", status, f"the face is {side} px large and should be "
                f"{config.face.amber} px or more for a model of {config.resolution} px: use a "
                "closer or larger photo")
    ]  # fmt: skip


def _sharpness(measures: Measures, config: AuditConfig) -> list[Finding]:
    blur = measures.blur or 0.0
    status = config.blur.above(blur)
    if status == GREEN:
        return []
    return [
        Finding("blur", status, f"the face is blurred ({blur:.2f}; sharp is under "
                f"{config.blur.amber:.2f}): use a sharper photo")
    ]  # fmt: skip


def _light(measures: Measures, config: AuditConfig) -> list[Finding]:
    light, white = measures.bright or 0.0, measures.clipped or 0.0
    if (status := config.light.below(light)) != GREEN:
        return [
            Finding("dark", status, f"the face is too dark (its light parts {light:.2f}; "
                    f"{config.light.amber:.2f} or more is good): use a brighter photo")
        ]  # fmt: skip
    if (status := config.clipped.above(white)) != GREEN:
        return [
            Finding("bright", status, f"{white:.0%} of the face is white, without any detail: "
                    "use a photo with less light on it")
        ]  # fmt: skip
    contrast = measures.contrast or 0.0
    if contrast < config.flat:
        return [
            Finding("flat", AMBER, f"the face hardly differs from dark to light ({contrast:.2f}; "
                    f"{config.flat:.2f} or more is good): use a clearer photo")
        ]  # fmt: skip
    return []


def _parts(measures: Measures, asked: int) -> list[Finding]:
    found = []
    if measures.missing:
        names = ", ".join(measures.missing)
        # Half a face teaches little more than none.
        status = RED if asked > 1 and 2 * len(measures.missing) > asked else AMBER
        found.append(
            Finding("missing_part", status, f"not to be seen: {names}; the photo teaches nothing "
                    "of that: use one that shows it")
        )  # fmt: skip
    if measures.estimated:
        found.append(
            Finding("estimated_part", AMBER, f"estimated from the face's proportions: "
                    f"{', '.join(measures.estimated)}; look whether the boxes fit, or draw a mask")
        )  # fmt: skip
    return found
