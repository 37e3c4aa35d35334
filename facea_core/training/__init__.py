"""Test-time fine-tuning: a person's photos become learned words and a LoRA."""

from .config import PRESETS, TrainConfig, preset_for, preview_every
from .loop import train_identity
from .preview import face_previewer
from .run import Previewer

__all__ = [
    "PRESETS",
    "Previewer",
    "TrainConfig",
    "face_previewer",
    "preset_for",
    "preview_every",
    "train_identity",
]
