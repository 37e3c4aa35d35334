"""Measuring a generated person: likeness, copying, untouched background."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .crops import face_crop, head_box
    from .embedders import Embedder, LandmarksEmbedder, TinyEmbedder, embedder_for, load_embedder
    from .metrics import (
        Metrics,
        background_change,
        embed_faces,
        evaluate_identity,
        face_photo,
        likeness,
    )

__getattr__ = door(
    __name__,
    {
        "crops": ("face_crop", "head_box"),
        "embedders": (
            "Embedder",
            "LandmarksEmbedder",
            "TinyEmbedder",
            "embedder_for",
            "load_embedder",
        ),
        "metrics": (
            "Metrics",
            "background_change",
            "embed_faces",
            "evaluate_identity",
            "face_photo",
            "likeness",
        ),
    },
)

__all__ = [
    "Embedder",
    "LandmarksEmbedder",
    "Metrics",
    "TinyEmbedder",
    "background_change",
    "embed_faces",
    "embedder_for",
    "evaluate_identity",
    "face_crop",
    "face_photo",
    "head_box",
    "likeness",
    "load_embedder",
]
