"""Test-time fine-tuning: a person's photos become learned words and a LoRA."""

from .choice import face_judge
from .config import PRESETS, TrainConfig, preset_for, preview_every
from .free_memory import free_memory, require_room
from .gpu.allocator import launch_note
from .loop import best_plan, check_channels, train_identity
from .memory import Plan, plan_training
from .preview import face_previewer
from .run import Judge, Previewer

__all__ = [
    "PRESETS",
    "Judge",
    "Plan",
    "Previewer",
    "TrainConfig",
    "best_plan",
    "check_channels",
    "face_judge",
    "face_previewer",
    "free_memory",
    "launch_note",
    "plan_training",
    "preset_for",
    "preview_every",
    "require_room",
    "train_identity",
]
