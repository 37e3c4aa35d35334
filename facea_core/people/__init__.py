"""Many people: a folder of photos for each, and all of them learned in one go."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .folders import Person, people_in, read_classes
    from .learn import (
        FAILED,
        FOUND,
        TRAINED,
        Learned,
        Learner,
        Recipe,
        seconds_per_step,
        train_everybody,
    )

__getattr__ = door(
    __name__,
    {
        "folders": ("Person", "people_in", "read_classes"),
        "learn": (
            *("FAILED", "FOUND", "TRAINED", "Learned", "Learner", "Recipe"),
            *("seconds_per_step", "train_everybody"),
        ),
    },
)

__all__ = [
    "FAILED",
    "FOUND",
    "TRAINED",
    "Learned",
    "Learner",
    "Person",
    "Recipe",
    "people_in",
    "read_classes",
    "seconds_per_step",
    "train_everybody",
]
