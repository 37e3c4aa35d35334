"""The trained person: learned words and a LoRA, in memory and in one file."""

from .adapters import apply_identity, check_family, check_fits
from .embeddings import check_words_free, export_words
from .file import (
    describe_identity,
    identities_of,
    identity_tensors,
    load_identity,
    may_be_identity,
    peek_identity,
    save_identity,
    summary,
)
from .lora import TARGETS, lora
from .words import (
    by_placeholder,
    check_class_noun,
    check_name,
    finished_words,
    initial_rows,
    learnable_words,
    person_name,
)

__all__ = [
    "TARGETS",
    "apply_identity",
    "by_placeholder",
    "check_class_noun",
    "check_family",
    "check_fits",
    "check_name",
    "check_words_free",
    "describe_identity",
    "export_words",
    "finished_words",
    "identities_of",
    "identity_tensors",
    "initial_rows",
    "learnable_words",
    "load_identity",
    "lora",
    "may_be_identity",
    "peek_identity",
    "person_name",
    "save_identity",
    "summary",
]
