"""Locks that two threads or two processes share through a file, and that a dead one lets go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import AssetError

if os.name == "nt":  # pragma: no cover
    import msvcrt
else:
    import fcntl

PAUSE = 0.1
"""Seconds between two tries to get a lock that another holds."""


@contextmanager
def locked(path: str | Path, wait: Callable[[], None] | None = None) -> Iterator[bool]:
    """Holds the lock `path` until the block ends; yields whether it does.

    `wait` is called before each new try while another holds it, and may raise; None = try once. The
    system frees the lock of a process that ends, however it ends. The file is there only while
    somebody holds the lock or died holding it. Where a file system knows no locks, everybody gets
    them. Raises `AssetError` if the file cannot be made.
    """
    path = Path(path)
    made = not path.parent.exists()
    handle = _take(path)
    while handle is None and wait is not None:
        wait()
        time.sleep(PAUSE)
        handle = _take(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            _free(path, handle)
        if made:
            with suppress(OSError):
                path.parent.rmdir()  # only if nothing else came into it


def _take(path: Path) -> int | None:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            gone = isinstance(error, (FileNotFoundError, FileExistsError))
            if gone and (path.parent.is_dir() or not os.path.lexists(path.parent)):
                continue  # the last one to leave has just removed the folder
            raise AssetError(
                f"cannot write {path} ({error.strerror or error}); check the folder and its "
                "permissions"
            ) from error
        if not _try(handle):
            os.close(handle)
            return None
        # Its previous holder may have removed the file: then this lock protects nothing.
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)


def _try(handle: int) -> bool:
    if os.name == "nt":  # pragma: no cover
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _free(path: Path, handle: int) -> None:
    # While it is held, so that nobody's new file is removed; Windows removes no open one.
    with suppress(OSError):
        path.unlink()
    os.close(handle)
    if os.name == "nt":  # pragma: no cover
        with suppress(OSError):
            path.unlink()
