"""The trained person: learned words and a LoRA, in memory and in one file."""

from .adapters import apply_identity, check_family, check_fits
from .file import (
    describe_identity,
    export_words,
    identity_tensors,
    load_identity,
    peek_identity,
    save_identity,
    summary,
)
from .lora import TARGETS, lora
from .words import by_placeholder, check_name, finished_words, initial_rows, learnable_words

__all__ = [
    "TARGETS",
    "apply_identity",
    "by_placeholder",
    "check_family",
    "check_fits",
    "check_name",
    "describe_identity",
    "export_words",
    "finished_words",
    "identity_tensors",
    "initial_rows",
    "learnable_words",
    "load_identity",
    "lora",
    "peek_identity",
    "save_identity",
    "summary",
]
