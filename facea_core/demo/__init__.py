"""The whole of FaceA on synthetic people; their images alone are for a first try of anything."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .cast import HELDOUT, PHOTOS, Cast, draw_cast
    from .run import HAIR_ROOM, run_demo

__getattr__ = door(
    __name__,
    {
        "cast": ("HELDOUT", "PHOTOS", "Cast", "draw_cast"),
        "run": ("HAIR_ROOM", "run_demo"),
    },
)

__all__ = ["HAIR_ROOM", "HELDOUT", "PHOTOS", "Cast", "draw_cast", "run_demo"]
