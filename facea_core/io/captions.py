"""Captions of photos: what is said of one photo and is not the person's, as "smiling, at night"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError, ImageError, shortened
from ..settings import check_text

CAPTION = ".txt"
"""The ending of a caption's file."""

LONGEST = 500
"""Characters of one caption; a prompt has little more room beside the learned embeddings."""


def has_caption(photo: Path) -> bool:
    """Whether there is a caption beside a photo; an empty one says that there is nothing to say."""
    return photo.with_suffix(CAPTION).is_file()


def caption_of(photo: Path) -> str:
    """The text of the .txt file beside a photo, as kohya's scripts write it; none = "".

    Raises ImageError for a file that cannot be read as UTF-8, ConfigError for a long one.
    """
    path = photo.with_suffix(CAPTION)
    if not has_caption(photo):
        return ""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"cannot read the caption {shortened(str(path))} ({reason}); save it as UTF-8 text, or "
            "take it away"
        ) from error
    return one_line(text, f"the caption in {path.name}")


def one_line(text: str, name: str = "the caption") -> str:
    """A caption on one line, without the comma at its end. Raises ConfigError for a long one."""
    return check_text(name, " ".join(text.split()).strip(", "), LONGEST)


def captions_for(given: Sequence[str | None], photos: int) -> tuple[str, ...]:
    """One caption for each of so many photos.

    `given` is one text with a line for each photo, or a list of texts; nothing or None = none.
    Raises ConfigError for another number of them than of photos.
    """
    given = [text for text in given if text is not None]
    lines = given[0].rstrip().split("\n") if len(given) == 1 else list(given)
    if not any(line.strip() for line in lines):
        return ("",) * photos
    if len(lines) != photos:
        raise ConfigError(
            f"there are {len(lines)} captions for {photos} photos; give a line for each photo, in "
            "their order, an empty one where there is nothing to say"
        )
    return tuple(one_line(line, f"caption {i + 1}") for i, line in enumerate(lines))
