"""The photos that a command was given: one that cannot be read does not end what others can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..errors import ImageError, MissingDependencyError
from ..images import load_image


class GivenPhoto(NamedTuple):
    """One file: `image` `(1, 3, H, W)` in [0, 1] and what was done to it, or None and `problem`."""

    path: Path
    image: Tensor | None
    notes: tuple[str, ...] = ()
    problem: str = ""


def read_photos(paths: Sequence[Path]) -> list[GivenPhoto]:
    """All photos, in order, each read or with the problem that it has.

    Raises ImageError or MissingDependencyError where there is nothing at a path, which is a wrong
    command and no bad photo, and if none can be read.
    """
    given, errors = [], []
    for path in paths:
        try:
            image, notes = load_image(path)
        except (ImageError, MissingDependencyError) as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise
            errors.append(error)
            given.append(GivenPhoto(path, None, problem=str(error)))
        else:
            given.append(GivenPhoto(path, image, notes))
    if len(errors) == len(given) == 1:
        raise errors[0]
    if errors and len(errors) == len(given):
        raise ImageError(
            f"none of the {len(given)} photos can be read: {'; '.join(map(str, errors))}"
        )
    return given
