"""Which of a user's LoRA files are identities, for widgets: asked for many times in each prompt.

Some have ten thousand of these files. One is looked at when it is new or has changed; what was seen
of files that are gone is forgotten.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import folder_paths

from ...facea_core.identity import may_be_identity, peek_identity

FEW = 1000
"""So many files are asked for their times at each call, which takes milliseconds. Of more only what
ever looked like an identity is, as long as no folder has changed: a stranger that is written over
in place, and is one then, shows when anything in a folder is made, renamed or deleted."""


@dataclass(frozen=True)
class _File:
    """A LoRA file as it was when it was looked at; `suspect` if it ever began as identities do."""

    path: str
    modified: int
    size: int
    identity: bool
    suspect: bool


@dataclass(frozen=True)
class _Seen:
    """The last look: `folders` are those that the files may be in, as they were before it."""

    names: Sequence[str] = ()
    roots: Sequence[str] = ()
    files: Mapping[str, _File] = field(default_factory=dict)
    folders: Mapping[str, int | None] = field(default_factory=dict)


_seen = _Seen()


def identities_listed() -> list[str]:
    """The names of the identities among the LoRA files, as ComfyUI lists them. Never raises."""
    global _seen
    # The host's own search can meet a folder that is gone; then it is as it was.
    with suppress(OSError):
        names = folder_paths.get_filename_list("loras")
        _seen = _look(names, folder_paths.get_folder_paths("loras"), _seen)
    return [name for name, file in _seen.files.items() if file.identity]


def _look(names: Sequence[str], roots: Sequence[str], before: _Seen) -> _Seen:
    same = (names, roots) == (before.names, before.roots) and len(names) > FEW
    if same and _times(before.folders) == before.folders:
        folders, trusted = before.folders, True
    else:
        inside = {os.path.dirname(name) for name in names}
        folders = _times({os.path.join(root, folder) for root in roots for folder in inside})
        trusted = False
    files = {}
    for name in names:
        known = before.files.get(name)
        if not (trusted and known is not None and not known.suspect):
            known = _file(name, roots, known)
        if known is not None:
            files[name] = known
    return _Seen(names, roots, files, folders)


def _file(name: str, roots: Iterable[str], known: _File | None) -> _File | None:
    if not name.endswith(".safetensors"):
        return None
    for root in roots:
        path = os.path.join(root, name)
        with suppress(OSError, ValueError):
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                continue
            now = path, status.st_mtime_ns, status.st_size
            if known is not None and (known.path, known.modified, known.size) == now:
                return known
            begins = may_be_identity(path)
            identity = begins and peek_identity(path) is not None
            return _File(*now, identity, begins or (known is not None and known.suspect))
    return None


def _times(folders: Iterable[str]) -> dict[str, int | None]:
    """When each was last changed; None for one that cannot be asked."""
    times: dict[str, int | None] = {}
    for folder in folders:
        try:
            times[folder] = os.stat(folder).st_mtime_ns
        except OSError:
            times[folder] = None
    return times
