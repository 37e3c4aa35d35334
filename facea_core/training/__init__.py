"""Test-time fine-tuning: a person's photos become learned words and a LoRA."""

from ..identity.subject import Subject
from .config import PRESETS, TrainConfig, check_channels, preset_for, preview_every
from .free_memory import best_plan, free_memory, require_room
from .gpu.allocator import launch_note
from .loop import train_identity
from .memory import Plan, plan_training
from .origin import Origin
from .preview import Previewer, face_previewer

__all__ = [
    "PRESETS",
    "Origin",
    "Plan",
    "Previewer",
    "Subject",
    "TrainConfig",
    "best_plan",
    "check_channels",
    "face_previewer",
    "free_memory",
    "launch_note",
    "plan_training",
    "preset_for",
    "preview_every",
    "require_room",
    "train_identity",
]
