"""Who is learned, as prompts and files call them."""

from __future__ import annotations

from dataclasses import dataclass

from .names import check_class_noun, check_name


@dataclass(frozen=True)
class Subject:
    """A person's `name`, which their words and files begin with, and what they are: `class_noun`.

    Raises `ConfigError` for a name that `check_name` refuses, and for a class noun that
    `check_class_noun` does.
    """

    name: str = "person"
    class_noun: str = "person"

    def __post_init__(self) -> None:
        check_name(self.name)
        check_class_noun(self.class_noun)


SOMEBODY = Subject()
"""Whom nobody has named."""
