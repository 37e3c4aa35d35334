"""The trained person: learned words and a LoRA, in memory and in one file."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .adapters import apply_identity, check_family, check_fits
    from .described import describe_identity, may_be_identity, peek_identity, summary
    from .embeddings import check_words_free, export_words
    from .file import identities_of, identity_tensors, load_identity, save_identity
    from .mixing import check_whole, everybody, mix_people
    from .names import check_class_noun, check_name, person_name
    from .norms import Vocabulary, identity_starts, start_notes, vocabularies, word_norms
    from .subject import Subject
    from .targets import TARGETS
    from .words import by_placeholder, finished_words, initial_rows, learnable_words

# `facea info` describes a file in less time than torch takes to import.
__getattr__ = door(
    __name__,
    {
        "adapters": ("apply_identity", "check_family", "check_fits"),
        "described": ("describe_identity", "may_be_identity", "peek_identity", "summary"),
        "embeddings": ("check_words_free", "export_words"),
        "file": ("identities_of", "identity_tensors", "load_identity", "save_identity"),
        "mixing": ("check_whole", "everybody", "mix_people"),
        "names": ("check_class_noun", "check_name", "person_name"),
        "norms": ("Vocabulary", "identity_starts", "start_notes", "vocabularies", "word_norms"),
        "targets": ("TARGETS",),
        "subject": ("Subject",),
        "words": ("by_placeholder", "finished_words", "initial_rows", "learnable_words"),
    },
)

__all__ = [
    "Subject",
    "TARGETS",
    "Vocabulary",
    "apply_identity",
    "by_placeholder",
    "check_class_noun",
    "check_family",
    "check_fits",
    "check_name",
    "check_whole",
    "check_words_free",
    "describe_identity",
    "everybody",
    "export_words",
    "finished_words",
    "identities_of",
    "identity_starts",
    "identity_tensors",
    "initial_rows",
    "learnable_words",
    "load_identity",
    "may_be_identity",
    "mix_people",
    "peek_identity",
    "person_name",
    "save_identity",
    "start_notes",
    "summary",
    "vocabularies",
    "word_norms",
]
