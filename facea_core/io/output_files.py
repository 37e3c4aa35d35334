"""The files a run leaves behind: checked before the work, written whole, all of them or none."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import AssetError
from .files import atomic_path, plain_target

PROBE_BYTES = 1 << 18
"""More than any file system keeps inside its directory entries, so that a full disk shows."""


def require_writable(*paths: str | Path | None) -> None:
    """Raises AssetError unless a plain file could be written at each of `paths` now.

    Leaves nothing behind. Meant for the moment before minutes of work. Folders that do not exist
    yet are not made: the nearest one that exists must be writable and have room. None is skipped.
    """
    for path in (Path(path) for path in paths if path is not None):
        require_writable_folder(plain_target(path).parent)


def require_writable_folder(folder: str | Path) -> None:
    """The same for a folder that files will be written into, which need not exist yet."""
    folder = Path(folder)
    existing = nearest_existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise AssetError(_refusal(folder, error)) from error


def nearest_existing(path: Path) -> Path:
    """`path` or the closest of its parents that exists."""
    return next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))


def write_json(data: Mapping[str, Any], path: str | Path) -> None:
    """Writes `data` as indented JSON, completely or not at all. Raises AssetError."""
    text = json_text(data) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(data: Mapping[str, Any], encoding: str = "utf-8") -> str:
    """Indented JSON that can be written in `encoding`: escaped where it cannot spell a name.

    Names of files that are not UTF-8 come out of JSON as Python has them, with lone surrogates.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(data, indent=2)
    return text


@contextmanager
def staged(folder: str | Path) -> Iterator[Path]:
    """Yields an empty folder whose files move into `folder` when the block ends well.

    On any exception nothing of it remains, and what was in `folder` before is as it was. An OSError
    comes out as AssetError.
    """
    folder = Path(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".facea-", dir=nearest_existing(folder)) as stage:
            yield Path(stage)
            folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(Path(stage).iterdir()):
                os.replace(file, folder / file.name)
    except AssetError:
        raise
    except OSError as error:
        raise AssetError(_refusal(folder, error)) from error


def _refusal(folder: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"cannot write into {folder} ({reason}); "
        "check the folder, its permissions and the free space"
    )
