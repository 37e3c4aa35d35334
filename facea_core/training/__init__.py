"""Test-time fine-tuning: a person's photos become learned words and a LoRA."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .allocator import launch_note
    from .choice import face_judge
    from .config import PRESETS, TrainConfig, preset_for, preview_every
    from .loop import best_plan, check_channels, train_identity
    from .memory import Plan, plan_training
    from .preview import face_previewer
    from .room import free_memory, require_room
    from .run import Judge, Previewer

__getattr__ = door(
    __name__,
    {
        "allocator": ("launch_note",),
        "choice": ("face_judge",),
        "config": ("PRESETS", "TrainConfig", "preset_for", "preview_every"),
        "loop": ("best_plan", "check_channels", "train_identity"),
        "memory": ("Plan", "plan_training"),
        "preview": ("face_previewer",),
        "room": ("free_memory", "require_room"),
        "run": ("Judge", "Previewer"),
    },
)

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
