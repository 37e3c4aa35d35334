"""The trained person: learned words and a LoRA, in memory and in one file."""

from .adapters import TARGETS, apply_identity, check_fits, extract, lora
from .file import describe_identity, export_words, load_identity, save_identity
from .words import check_name, finished_words, learnable_words

__all__ = [
    "TARGETS",
    "apply_identity",
    "check_fits",
    "check_name",
    "describe_identity",
    "export_words",
    "extract",
    "finished_words",
    "learnable_words",
    "load_identity",
    "lora",
    "save_identity",
]
