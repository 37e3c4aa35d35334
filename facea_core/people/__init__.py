"""Many people: a folder of photos for each, and all of them learned in one go."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .folders import PersonFolder, people_fingerprint, people_in, read_classes
    from .learn import Learner, Recipe, seconds_per_step, train_everybody
    from .reading import FAILED, FOUND, TRAINED, Learned, Read, read_person
    from .told import learned_line, people_line, people_table

__getattr__ = door(
    __name__,
    {
        "folders": ("PersonFolder", "people_fingerprint", "people_in", "read_classes"),
        "learn": ("Learner", "Recipe", "seconds_per_step", "train_everybody"),
        "reading": ("FAILED", "FOUND", "TRAINED", "Learned", "Read", "read_person"),
        "told": ("learned_line", "people_line", "people_table"),
    },
)

__all__ = [
    "FAILED",
    "FOUND",
    "TRAINED",
    "Learned",
    "Learner",
    "PersonFolder",
    "Read",
    "Recipe",
    "learned_line",
    "people_fingerprint",
    "people_in",
    "people_line",
    "people_table",
    "read_classes",
    "read_person",
    "seconds_per_step",
    "train_everybody",
]
