"""Measuring a painted person: likeness, copying, untouched background."""

from .crops import face_crop, head_box
from .embedders import Embedder, LandmarksEmbedder, TinyEmbedder, embedder_for, load_embedder
from .metrics import background_change, embed_faces, evaluate_identity, face_photo, likeness

__all__ = [
    "Embedder",
    "LandmarksEmbedder",
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
