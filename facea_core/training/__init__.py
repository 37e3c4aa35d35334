"""Test-time fine-tuning: a person's photos become learned words and a LoRA."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .config import PRESETS, TrainConfig, check_channels, preset_for, preview_every
    from .device_memory import best_plan, free_memory, require_room
    from .gpu.allocator import launch_note
    from .loop import train_identity
    from .memory import Plan, plan_training
    from .origin import Origin
    from .preview import Previewer, face_previewer
    from .state import saved_step

__getattr__ = door(
    __name__,
    {
        "config": ("PRESETS", "TrainConfig", "check_channels", "preset_for", "preview_every"),
        "device_memory": ("best_plan", "free_memory", "require_room"),
        "gpu.allocator": ("launch_note",),
        "loop": ("train_identity",),
        "memory": ("Plan", "plan_training"),
        "origin": ("Origin",),
        "preview": ("Previewer", "face_previewer"),
        "state": ("saved_step",),
    },
)

__all__ = [
    "PRESETS",
    "Origin",
    "Plan",
    "Previewer",
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
    "saved_step",
    "train_identity",
]
