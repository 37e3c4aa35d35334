"""Faces and their parts in images: detectors that propose, priors that choose."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .base import FACE, Detector
    from .config import DETECTORS, DetectConfig
    from .detect import Only, detect_attributes, detect_chosen, part_masks, to_json
    from .found import found_together, photos_with_faces, smear_note, so_many
    from .load import load_detector
    from .preview import draw_faces
    from .user_masks import own_masks

__getattr__ = door(
    __name__,
    {
        "base": ("FACE", "Detector"),
        "config": ("DETECTORS", "DetectConfig"),
        "detect": ("Only", "detect_attributes", "detect_chosen", "part_masks", "to_json"),
        "found": ("found_together", "photos_with_faces", "smear_note", "so_many"),
        "load": ("load_detector",),
        "preview": ("draw_faces",),
        "user_masks": ("own_masks",),
    },
)

__all__ = [
    "Only",
    "DETECTORS",
    "FACE",
    "DetectConfig",
    "Detector",
    "detect_attributes",
    "detect_chosen",
    "draw_faces",
    "found_together",
    "load_detector",
    "own_masks",
    "part_masks",
    "photos_with_faces",
    "smear_note",
    "so_many",
    "to_json",
]
