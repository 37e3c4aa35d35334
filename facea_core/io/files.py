"""Files that anybody may have put where FaceA looks: only plain ones are opened, without waiting.
Files that FaceA writes appear whole or not at all.

A pipe would be read for ever, and what a device gives is nobody's file.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import AssetError, FaceAError, quoted

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def open_plain(path: str | Path) -> BinaryIO:
    """The file at `path`, open for reading in bytes.

    Raises OSError for a folder, a pipe, a socket or a device, at once; also for a path that no file
    system takes.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from error
    try:
        _check_plain(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def first_bytes(path: str | Path, count: int) -> bytes:
    """The first `count` bytes, fewer of a shorter file, as quickly as can be. Raises OSError.

    Nothing is waited for, but what the file is was asked before.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


def require_plain(path: str | Path) -> None:
    """Raises OSError as `open_plain` does, for readers that open a file by its path themselves."""
    try:
        _check_plain(os.stat(path), path)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from error


def read_plain(path: str | Path, most: int) -> bytes:
    """All of a file of at most `most` bytes. Raises OSError as `open_plain` does, or if it is
    longer."""
    with open_plain(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", os.fspath(path))
    return data


def plain_target(path: str | Path) -> Path:
    """The file that writing to `path` makes or replaces: what a symbolic link leads to.

    Raises AssetError for what is there and is no plain file (a device, a folder, a pipe), a loop of
    links, and a name that no file can have.
    """
    said = str(path)
    if "\0" in said:
        raise AssetError(f"cannot write {quoted(said)}: a name cannot hold NUL")
    target = Path(path)
    try:
        if target.is_symlink():
            target = target.resolve()
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return target  # creating its folder will report what is wrong
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AssetError(f"cannot write {quoted(said)} ({reason}); give another name") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no plain file"
        raise AssetError(f"cannot write {path}: it is {kind}; give the name of a file")
    return target


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """An OSError of the block comes out as AssetError with the path and the reason."""
    try:
        yield
    except OSError as error:
        raise AssetError(
            f"cannot read {path} ({error.strerror or error}); check the path and its permissions"
        ) from error


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """As `readable`, for what is written; an error that is FaceA's own comes out as it is."""
    try:
        yield
    except FaceAError:
        raise
    except OSError as error:
        raise AssetError(
            f"cannot write {path} ({error.strerror or error}); check the folder, its permissions "
            "and the free space"
        ) from error


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` to write to; renames it when the block ends well.

    Folders on the way are made. On any exception the temporary file is removed and an older file at
    `path` stays as it was. An OSError comes out as AssetError with the path and the reason.
    """
    path = plain_target(path)
    # The ending is kept: many writers choose the format by it. mkstemp would make the file private.
    # A name may be as long as the file system takes, and this one must not be longer.
    ending = path.suffix[:16]
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(6)}.tmp{ending}")
    try:
        with writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with open(temporary, "rb+") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_plain(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file", os.fspath(path))
