"""Files that anybody may have put where FaceA looks: only plain ones are opened, without waiting.

A pipe would be read for ever, and what a device gives is nobody's file.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

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


def _check_plain(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file", os.fspath(path))
