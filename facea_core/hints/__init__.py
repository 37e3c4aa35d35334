"""ControlNet hints of faces: points, lines and edges of the whole image."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .align import Similarity, similarity
    from .config import HEADS, KINDS, HintConfig
    from .draw import Hint, draw_hints, hint_json
    from .edges import canny
    from .shape import FaceShape, person_shape, shape_of

__getattr__ = door(
    __name__,
    {
        "align": ("Similarity", "similarity"),
        "config": ("HEADS", "KINDS", "HintConfig"),
        "draw": ("Hint", "draw_hints", "hint_json"),
        "edges": ("canny",),
        "shape": ("FaceShape", "person_shape", "shape_of"),
    },
)

__all__ = [
    "HEADS",
    "KINDS",
    "FaceShape",
    "Hint",
    "HintConfig",
    "Similarity",
    "canny",
    "draw_hints",
    "hint_json",
    "person_shape",
    "shape_of",
    "similarity",
]
