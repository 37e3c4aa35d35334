"""FaceA-Net in Python: personalise an inpainting diffusion model on three photos of one person.

An independent implementation of attribute-driven test-time fine-tuning (FaceA-Net, AAAI 2025).
The names here are the library's public ones (docs/python.md), from photos to likeness. They are
imported when they are asked for, so `import facea_core` costs nothing.
"""

from typing import TYPE_CHECKING

from .late import door
from .version import __version__ as __version__

if TYPE_CHECKING:
    from .backbone import load_backbone, load_control
    from .composing import ComposeConfig, Control, compose_identity, face_mask
    from .detection.config import DetectConfig
    from .detection.detect import detect_attributes
    from .detection.load import load_detector
    from .errors import FaceAError
    from .evaluation import evaluate_identity, load_embedder
    from .identity import Subject, load_identity, save_identity
    from .io.generated_images import save_generated
    from .io.images import load_image, save_image
    from .training import TrainConfig, train_identity
    from .types import Photo

__getattr__ = door(
    __name__,
    {
        "backbone": ("load_backbone", "load_control"),
        "composing": ("ComposeConfig", "Control", "compose_identity", "face_mask"),
        "detection.config": ("DetectConfig",),
        "detection.detect": ("detect_attributes",),
        "detection.load": ("load_detector",),
        "errors": ("FaceAError",),
        "evaluation": ("evaluate_identity", "load_embedder"),
        "identity": ("Subject", "load_identity", "save_identity"),
        "io.generated_images": ("save_generated",),
        "io.images": ("load_image", "save_image"),
        "training": ("TrainConfig", "train_identity"),
        "types": ("Photo",),
    },
)

__all__ = [
    "ComposeConfig",
    "Control",
    "DetectConfig",
    "FaceAError",
    "Photo",
    "Subject",
    "TrainConfig",
    "compose_identity",
    "detect_attributes",
    "evaluate_identity",
    "face_mask",
    "load_backbone",
    "load_control",
    "load_detector",
    "load_embedder",
    "load_identity",
    "load_image",
    "save_generated",
    "save_identity",
    "save_image",
    "train_identity",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
