"""Restoring a damaged photo as the people in it that were learned."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .degrade import enlarged
    from .estimate import estimate_damage
    from .evidence import Evidence
    from .people import who_is_who
    from .recognise import NOISES, TIMESTEP, advantage, prompts_of, surprise
    from .repair import DamagedPhoto
    from .restore import Restored, RestoredFace, restore_faces, restore_photo, restored_figures

__getattr__ = door(
    __name__,
    {
        "degrade": ("enlarged",),
        "estimate": ("estimate_damage",),
        "evidence": ("Evidence",),
        "people": ("who_is_who",),
        "recognise": ("NOISES", "TIMESTEP", "advantage", "prompts_of", "surprise"),
        "repair": ("DamagedPhoto",),
        "restore": (
            *("Restored", "RestoredFace", "restore_faces", "restore_photo", "restored_figures"),
        ),
    },
)

__all__ = [
    "NOISES",
    "TIMESTEP",
    "DamagedPhoto",
    "Evidence",
    "Restored",
    "RestoredFace",
    "advantage",
    "enlarged",
    "estimate_damage",
    "prompts_of",
    "restore_faces",
    "restore_photo",
    "restored_figures",
    "surprise",
    "who_is_who",
]
