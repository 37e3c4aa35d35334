"""The trained person: learned words and a LoRA, in memory and in one file."""

from .adapters import TARGETS, apply_identity, check_family, check_fits, extract, lora
from .file import (
    describe_identity,
    export_words,
    identity_tensors,
    load_identity,
    peek_identity,
    save_identity,
    summary,
)
from .words import check_name, finished_words, initial_rows, learnable_words

__all__ = [
    "TARGETS",
    "apply_identity",
    "check_family",
    "check_fits",
    "check_name",
    "describe_identity",
    "export_words",
    "extract",
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
