"""Parts that nobody saw, from fixed ratios of the face box: the last resort, and marked as such."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..masks import rounded_outline
from ..types import Box, FaceAttributes, Outline, Part

# x0, y0, x1, y1 in units of the face box. The first five are medians over 68-point landmarks of
# photographs and synthetic people, the others lie where priors.py expects them.
RATIOS: dict[str, tuple[float, float, float, float]] = {
    "face": (0.0, 0.0, 1.0, 1.0),
    "eyes": (0.13, 0.29, 0.87, 0.45),
    "eyebrows": (0.08, 0.18, 0.92, 0.34),
    "nose": (0.34, 0.35, 0.66, 0.63),
    "mouth": (0.26, 0.66, 0.73, 0.88),
    "hair": (-0.26, -0.36, 1.26, 0.60),
    "beard": (0.14, 0.60, 0.86, 1.04),
    "ears": (-0.10, 0.30, 1.10, 0.60),
    "glasses": (0.05, 0.26, 0.95, 0.50),
}
"""By attribute; there is one for each that the vocabulary knows."""


# How much of the width of a pair is the left one, and the right one.
_HALF = {"eyes": 0.4, "eyebrows": 0.46, "ears": 0.14}

_MISSING = "not found: "


def estimated_note(attribute: str) -> str:
    """What `FaceAttributes.notes` says about a part that was estimated."""
    return f"{attribute} estimated from the face"


def missing_note(names: Sequence[str]) -> str:
    """What `FaceAttributes.notes` says about parts that were asked for and not found."""
    return f"{_MISSING}{', '.join(names)}"


def without_notes_on(notes: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """The notes without what they say about parts `names` that were missing or estimated."""
    kept = []
    for note in notes:
        if note.startswith(_MISSING):
            missing = [one for one in note[len(_MISSING) :].split(", ") if one not in names]
            note = missing_note(missing) if missing else ""
        if note and note not in map(estimated_note, names):
            kept.append(note)
    return tuple(kept)


def with_estimates(face: FaceAttributes, names: Sequence[str]) -> FaceAttributes:
    """The face with those of the parts `names` that it lacks: score 0, marked and noted.

    A part that would lie outside the image is not added.
    """
    parts, notes = list(face.parts), list(face.notes)
    for name in names:
        whole = estimated_box(face.face, name)
        box = whole.clip(face.size)
        if face.part(name) is None and box.area:
            outlines = _pair(whole, _HALF[name]) if name in _HALF else ()
            parts.append(Part(name, box, 0.0, estimated=True, outlines=outlines))
            notes.append(estimated_note(name))
    return replace(face, parts=tuple(parts), notes=tuple(notes))


def _pair(box: Box, share: float) -> tuple[Outline, Outline]:
    """The two halves: between the ears is a face."""
    width = round(share * box.width)
    left, right = box._replace(x1=box.x0 + width), box._replace(x0=box.x1 - width)
    return rounded_outline(left), rounded_outline(right)


def estimated_box(face: Box, name: str) -> Box:
    """Where a part of a face usually is; may reach outside the image."""
    x0, y0, x1, y1 = RATIOS[name]
    return Box(
        round(face.x0 + x0 * face.width),
        round(face.y0 + y0 * face.height),
        round(face.x0 + x1 * face.width),
        round(face.y0 + y1 * face.height),
    )
