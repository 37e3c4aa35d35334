"""The photos of a folder: which files they are, in which order, and what can be read of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..errors import ConfigError, FaceAError, ImageError, shortened
from ..machine import require_memory
from ..settings import check_choice, check_number
from .captions import CAPTION
from .images import load_image

ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".avif", ".tif",
     ".tiff", ".bmp", ".gif")
)  # fmt: skip
"""Only files called so are taken for photos: captions and archives lie in the same folders."""

BY_NAME, NEWEST, OLDEST = ORDERS = ("name", "newest first", "oldest first")
"""By name, numbers in it counted: photo2 before photo10. The others by when the file changed."""

MOST = 1000
"""More photos than are read at once."""

MOST_ENTRIES = 100_000
"""More files and folders than are looked at: somebody named the whole disk."""


@dataclass(frozen=True)
class _Found:
    place: tuple[str, ...]
    """The names from the folder down to the file."""
    modified: int
    size: int


class ReadPhoto(NamedTuple):
    """A file, its image `(1, 3, H, W)` in [0, 1] and what was done to it; or None and why."""

    path: Path
    image: Tensor | None
    notes: tuple[str, ...] = ()
    error: FaceAError | None = None

    @property
    def problem(self) -> str:
        """Why it could not be read; empty if it could."""
        return "" if self.error is None else str(self.error)


def photo_files(folder: str | Path, order: str = BY_NAME, *, deep: bool = False) -> list[Path]:
    """The photos of a folder by their endings; with `deep` also those of the folders in it.

    Hidden files and folders are ignored, and so are folders in it that are links or cannot be
    listed. Raises ImageError if there is no such folder or no photo in it, ConfigError for an
    order that is none of `ORDERS` and for a folder of more than `MOST_ENTRIES` files.
    """
    check_choice("order", order, ORDERS)
    folder = Path(folder)
    try:
        found = sorted(_walk(folder, deep), key=_natural)
    except FaceAError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"cannot list {shortened(_printable(folder))} ({reason}); give the path of a folder "
            "with photos"
        ) from error
    if not found:
        raise ImageError(
            f"there is no photo in {shortened(_printable(folder))}; give a folder with files that "
            f"end in {', '.join(sorted(ENDINGS))}"
            + ("" if deep else ", or search the folders in it too")
        )
    if order != BY_NAME:
        found.sort(key=lambda one: one.modified, reverse=order == NEWEST)
    return [folder.joinpath(*one.place) for one in found]


def photos_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The paths, each folder among them replaced by its photos, by name. Raises ImageError."""
    return tuple(
        file for path in paths for file in (photo_files(path) if os.path.isdir(path) else [path])
    )


def photos_fingerprint(folder: str | Path, *, deep: bool = False) -> str:
    """Changes when a photo or caption comes, goes or is written anew. Never raises."""
    try:
        files = _walk(Path(folder), deep, ENDINGS | {CAPTION})
        found = sorted(files, key=lambda one: one.place)
    except (FaceAError, OSError, ValueError) as error:
        return type(error).__name__
    return hashlib.sha256(repr(found).encode()).hexdigest()


def read_photo(path: Path) -> ReadPhoto:
    """Reads one file as `load_image` does; one that cannot be read comes with the error."""
    try:
        return ReadPhoto(path, *load_image(path))
    except FaceAError as error:
        return ReadPhoto(path, None, error=error)


def read_given(
    paths: Sequence[Path], on_file: Callable[[], object] = lambda: None
) -> list[ReadPhoto]:
    """All photos, in order, each read or with the problem that it has; `on_file` before each.

    Raises ImageError or MissingDependencyError where there is nothing at a path, which is a wrong
    command and no bad photo, and if none can be read.
    """
    given = []
    for path in paths:
        on_file()
        given.append(read_photo(path))
    errors = [photo.error for photo in given if photo.error is not None]
    for error in errors:
        if isinstance(error.__cause__, FileNotFoundError):
            raise error
    if len(errors) == len(given) == 1:
        raise errors[0]
    if errors and len(errors) == len(given):
        raise ImageError(
            f"none of the {len(given)} photos can be read: {'; '.join(map(str, errors))}"
        )
    return given


def read_photos(
    files: Sequence[Path],
    limit: int = 0,
    on_file: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[ReadPhoto]:
    """Reads one after the other, as `load_image` does, until `limit` can be read; 0 is all.

    A file that cannot be read ends nothing: it comes without an image. `on_file` gets how many
    were tried and how many there are. Raises ImageError if none can be read, and ConfigError for
    more than `MOST` of them or than fit into memory.
    """
    check_number("limit", limit, 0, MOST, whole=True)
    if limit == 0 and len(files) > MOST:
        raise ConfigError(
            f"there are {len(files)} photos, more than {MOST}; set a limit, or give another folder"
        )
    count, refusal = 0, ""
    for number, path in enumerate(files):
        on_file(number, len(files))
        photo = read_photo(path)
        if photo.image is None:
            reason = _printable(photo.problem.replace(str(path), path.name))
            refusal = refusal or reason
            yield photo._replace(notes=(reason,))
            continue
        # The consumer lays it out anew.
        require_memory(photo.image.nbytes, f"photo {count + 1}", "set a smaller limit")
        yield photo
        count += 1
        if count == limit:
            break
    if count == 0:
        raise ImageError(f"none of {len(files)} photos can be read; the first: {refusal}")


def name_in(folder: Path, path: Path) -> str:
    """How a photo of the folder is called in lists, with / between folders."""
    return _printable(path.relative_to(folder).as_posix())


def _walk(folder: Path, deep: bool, endings: frozenset[str] = ENDINGS) -> Iterator[_Found]:
    """Raises OSError or ValueError if the folder cannot be listed, ConfigError for too large."""
    seen, places = 0, [()]
    while places:
        place = places.pop()
        try:
            entries = os.scandir(folder.joinpath(*place))
        except OSError:
            if place:
                continue
            raise
        with entries:
            for entry in entries:
                seen += 1
                if seen > MOST_ENTRIES:
                    raise ConfigError(
                        f"{shortened(_printable(folder))} holds more than {MOST_ENTRIES} files; "
                        "give a folder of photos, or do not search the folders in it"
                    )
                if entry.name.startswith("."):
                    continue
                here = (*place, entry.name)
                # A file that goes away meanwhile is none.
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        places += [here] if deep else []
                    elif os.path.splitext(entry.name)[1].lower() in endings and entry.is_file():
                        status = entry.stat()
                        yield _Found(here, status.st_mtime_ns, status.st_size)


def _natural(found: _Found) -> tuple[list[list[str | int]], tuple[str, ...]]:
    """Numbers count as such, capitals as small letters; then the names as they are."""
    pieces = [re.split("([0-9]+)", name.casefold()) for name in found.place]
    return [
        [int(piece) if at % 2 else piece for at, piece in enumerate(some)] for some in pieces
    ], found.place


def _printable(said: object) -> str:
    """Without what no encoding has: names of files may be any bytes."""
    return str(said).encode("utf-8", "replace").decode("utf-8")
