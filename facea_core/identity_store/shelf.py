"""The folder of identities: who is found there, and how somebody is put in without losing anybody.

`<name>.safetensors` is the last training of a name, with an image and a record beside it; older
ones are `<name>-<their origin>`. Whoever changes the files of a name holds the lock `.<name>.lock`.
"""

from __future__ import annotations

import filecmp
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import AssetError
from ..identity import export_words, identities_of, peek_identity, save_identity
from ..io.generated_images import save_generated
from ..io.locks import locked
from ..io.output_files import write_json
from ..types import Identity
from .runs import sweep

KEPT_OLDER = 8
"""Older trainings of one name that are kept; those before them are deleted."""

_LOG = logging.getLogger(__name__)
_SD_VERSIONS = {"sd15": "SD1", "sd2": "SD2", "sdxl": "SDXL"}  # as LoRA managers write it
_BESIDE = (".jpg", ".json")
_HOUR = 3600.0


def find_identity(folder: str | Path, name: str, key: str, resolution: int = 0) -> Path | None:
    """The file of the training with this key among those of that name, whatever it is called.

    Of files that do not say at which resolution they learned, the record beside them may; one that
    names another than `resolution` (0 = any) is ignored.
    """
    paths = Path(folder).glob(f"{name}*.safetensors")
    for path in sorted(paths, key=lambda path: (path.stem != name, path.name)):
        about = peek_identity(path)
        if about is None or _training(about).get("origin") != key:
            continue
        learned_at = _training(about).get("resolution") or _recorded_resolution(path)
        if "resolution" in _training(about) or learned_at in (0, resolution or learned_at):
            return path
    return None


def publish(
    identity: Identity, folder: Path, sheet: Tensor, record: dict[str, Any], words: Path | None
) -> Path:
    """Write the three files, and the words into the folder `words`; returns the identity's.

    Adds to the record what reading the identity back has proved, and notes. Raises `AssetError` if
    something cannot be written; until the identity is saved, everything is as it was then.
    """
    path = folder / f"{identity.name}.safetensors"
    with _name_locked(folder, identity.name):
        with _older_kept(path):
            record["saved"] = save_identity(identity, path)
        record["notes"] = [*record["notes"], *_prune(folder, identity.name)]
        save_generated(sheet, path.with_suffix(".jpg"))
        write_json(_about(identity, record), path.with_suffix(".json"))
        export(identity, words, path)
    return path


def put_in(identity: Identity, folder: Path) -> Path:
    """Write somebody whom no training made; returns the file, which may hold just them already.

    Another of that name is kept as an older one. Raises `AssetError` if it cannot be written.
    """
    path = folder / f"{identity.name}.safetensors"
    with _name_locked(folder, identity.name):
        about = peek_identity(path)
        if about is None or _training(about).get("origin") != identity.meta.origin:
            with _older_kept(path):
                save_identity(identity, path)
            for ending in _BESIDE:
                path.with_suffix(ending).unlink(missing_ok=True)  # it shows another training
    return path


def bring_back(identity: Identity, found: Path, folder: Path, words: Path | None) -> Path:
    """Make a training that was found the one under its plain name, and write its words.

    The file that was found stays as well, for somebody may use it under that name. Where the folder
    cannot be written and no words are wanted, it is only found.
    """
    path = folder / f"{identity.name}.safetensors"
    if found == path and words is None:
        return path
    try:
        with _name_locked(folder, identity.name):
            if found != path:
                _put_back(found, path, identity.name)
            export(identity, words, path)
    except AssetError:
        if words is not None:
            raise
        return found
    return path


def _put_back(found: Path, path: Path, name: str) -> None:
    try:
        with _older_kept(path):
            _copy(found, path, name)
        for ending in _BESIDE:
            beside, to = found.with_suffix(ending), path.with_suffix(ending)
            if beside.is_file():
                _copy(beside, to, name)
            else:
                to.unlink(missing_ok=True)  # it shows another training
        os.utime(found)  # of the older ones this is not the one to be deleted next
    except AssetError:
        raise
    except OSError as error:
        raise AssetError(
            f"cannot put {found} back to its name {path} ({error.strerror or error}); close what "
            "uses it"
        ) from error


def move_away(path: Path, to: Path) -> None:
    """Raises `AssetError` if it cannot be moved."""
    try:
        path.replace(to)
    except OSError as error:
        raise _unmovable(path, error) from error


@contextmanager
def _name_locked(folder: Path, name: str) -> Iterator[None]:
    # It is held for as long as it takes to write a few files.
    with locked(folder / f".{name}.lock", lambda: None):
        sweep(folder, f".{name}.*.tmp.*")
        yield


def _about(identity: Identity, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": f"{identity.name}: a person learned by FaceA from photos; pictures made "
        "with it are generated",
        "sd version": _SD_VERSIONS.get(identity.meta.family, "Unknown"),
        "activation text": identity.meta.prompt,
        "preferred weight": 1.0,
        "facea": record,
    }


def export(identity: Identity, words: Path | None, path: Path) -> None:
    """Write the words of the identity in the file `path` into the folder `words`, if one is given.

    Raises `AssetError` if they cannot be written.
    """
    if words is None:
        return
    # Others may share this folder and not the lock: what is still being written is new.
    sweep(words / identity.name, ".*.tmp.*", age=_HOUR)
    try:
        export_words(identity, words, identities_of(path.parent, identity.name))
    except AssetError as error:
        raise AssetError(
            f"{identity.name!r} is saved as {path}, but not its words: {error}"
        ) from error


@contextmanager
def _older_kept(path: Path) -> Iterator[None]:
    """What has this name now also has a longer one when the block ends well; else all is as it was.

    The file is never missing under its name, not even if a process dies in between.
    """
    aside = _aside(path) if path.exists() else None
    if aside is None:
        yield
        return
    moved: list[tuple[Path, Path]] = []
    linked = False
    try:
        try:
            _copy(path, aside, path.stem)
            linked = True
            for ending in _BESIDE:
                file, to = path.with_suffix(ending), aside.with_suffix(ending)
                if file.exists():
                    file.replace(to)
                    moved.append((file, to))
        except OSError as error:
            raise _unmovable(path, error) from error
        yield
    except BaseException:
        for file, to in moved:
            with suppress(OSError):
                to.replace(file)
        if linked:
            with suppress(OSError):
                aside.unlink()
        raise


def _aside(path: Path) -> Path | None:
    """A free longer name for this file; None if it has one already."""
    label = _origin(path) or f"{path.stat().st_mtime_ns:x}"
    plain = path.with_name(f"{path.stem}-{label[:8]}{path.suffix}")
    aside, number = plain, 1
    while aside.is_file():
        if filecmp.cmp(path, aside, shallow=False):
            return None
        number += 1
        aside = plain.with_name(f"{plain.stem}-{number}{plain.suffix}")
    return aside


def _copy(path: Path, to: Path, name: str) -> None:
    """The file under another name too, whole or not at all; a link where the disk has links."""
    temporary = path.with_name(f".{name}.{secrets.token_hex(6)}.tmp{path.suffix}")
    try:
        try:
            os.link(path, temporary)
        except OSError:
            shutil.copy2(path, temporary)
        os.replace(temporary, to)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _prune(folder: Path, name: str) -> list[str]:
    """Delete the oldest files that trainings of this name were pushed aside to, but KEPT_OLDER."""
    own = re.compile(rf"{re.escape(name)}-([0-9a-f]{{8}})(-\d+)?")
    older = []
    for path in folder.glob(f"{name}-*.safetensors"):
        match = own.fullmatch(path.stem)
        if match is None:
            continue
        about = peek_identity(path)
        if about and about.get("name") == name and _origin(path).startswith(match[1]):
            older.append((path.stat().st_mtime, path))
    notes = []
    for modified, path in sorted(older, reverse=True)[KEPT_OLDER:]:
        for file in (path, *(path.with_suffix(ending) for ending in _BESIDE)):
            with suppress(OSError):
                file.unlink(missing_ok=True)
        day = time.strftime("%Y-%m-%d", time.localtime(modified))
        note = f"the training of {day} was deleted ({path}): {KEPT_OLDER} older ones are kept"
        _LOG.warning("FaceA: %s", note)
        notes.append(note)
    return notes


def _training(about: Mapping[str, Any]) -> Mapping[str, Any]:
    training = about.get("training")
    return training if isinstance(training, dict) else {}


def _origin(path: Path) -> str:
    return str(_training(peek_identity(path) or {}).get("origin", ""))


def _recorded_resolution(path: Path) -> int:
    """What the record beside a file says of its plan; 0 = nothing."""
    try:
        plan = json.loads(path.with_suffix(".json").read_text("utf-8"))["facea"]["plan"]
        match = re.search(r" (\d+) px, ", plan)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return int(match[1]) if match else 0


def _unmovable(path: Path, error: OSError) -> AssetError:
    return AssetError(
        f"cannot move the older {path} out of the way ({error.strerror or error}); "
        "close what uses it, or train under another name"
    )
