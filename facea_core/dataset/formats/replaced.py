"""What is written over: a folder changes as one, and the old one stands until the new is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import ConfigError
from ...io.files import writable

_SET = ("manifest.jsonl", ".parts")
"""What only the folder of a set holds, from its first person on."""

_WRITTEN = ("README.md", "dataset.json", "sheet.jpg")


def require_own(folder: str | Path, formats: Iterable[str]) -> None:
    """Raises ConfigError where a set in these formats would replace files that are none of a set.

    Meant for the moment before the first set is written into a folder that may be anything.
    """
    folder = Path(folder)
    if any(_there(folder / name) for name in _SET):
        return
    for name in (*_WRITTEN, *formats):
        if _there(folder / name):
            raise ConfigError(
                f"{folder / name} is there and belongs to no set of FaceA, which would replace it; "
                "give the set a folder of its own"
            )


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
