"""A folder of files that changes as one: the old one stands until the new one is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...io.files import writable


@contextmanager
def replaced(folder: str | Path, name: str) -> Iterator[Path]:
    """Yields an empty folder that becomes `folder/name` when the block ends well.

    On any exception what was there stays. If the program is killed, that stays too, and the next
    call clears up. An OSError comes out as AssetError.
    """
    target = Path(folder) / name
    fresh, old = target.with_name(f".{name}.new"), target.with_name(f".{name}.old")
    try:
        with writable(target):
            if _there(old) and not _there(target):
                old.rename(target)  # killed between the two renames below
            _remove(fresh)
            _remove(old)
            fresh.mkdir(parents=True)
            yield fresh
            if _there(target):
                target.rename(old)
            try:
                fresh.rename(target)
            except BaseException:
                if _there(old):
                    old.rename(target)
                raise
            _remove(old)
    finally:
        with suppress(OSError):
            _remove(fresh)


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
