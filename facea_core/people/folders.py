"""Who is to be learned: a folder with a sub-folder of photos for each person."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError, FaceAError, ImageError, shortened
from ..identity.names import check_class_noun, person_name
from ..io.photos import photo_files, photos_fingerprint
from ..settings import read_object

CLASS_FILE = "class.txt"
"""In the folder of a person: their class noun, which goes before all others."""

REPORT = "train-all.json"
"""What is written beside the identities, each of which has `<name>.json` there."""

_BESIDE = (".safetensors", ".json")
"""Endings of what lies beside the preview of an identity, which is nobody's photo."""

_SHEET = "sheet.jpg"
"""What a set of pictures shows of itself: nobody's photo either."""

_HEAD = ("name", "class")
_MOST = 10_000_000
"""Bytes of a text file: the classes of some hundred thousand people."""


@dataclass(frozen=True)
class PersonFolder:
    """Somebody to be learned from the photos of `folder`.

    `problem` says why that cannot be, "" = it can; `notes` what a user should hear of.
    """

    folder: Path
    name: str
    class_noun: str = ""
    photos: tuple[Path, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()


def people_in(
    folder: str | Path,
    class_noun: str = "",
    classes: Mapping[str, str] | None = None,
    *,
    apart: Path | None = None,
) -> list[PersonFolder]:
    """The people whose photos lie in the folders in `folder`, by name; hidden ones are ignored.

    A person is called as the folder is: "Ada Lovelace" is ada-lovelace. What they are says the
    file class.txt beside their photos, else `classes` under their name or their folder's, else
    `class_noun`. `apart` is a folder that is nobody's. A folder that cannot be learned from is a
    person with a problem. Raises ImageError if there is no folder in `folder`, ConfigError if
    photos lie in the one that is nobody's.
    """
    there = _folders(Path(folder))
    where = apart.resolve() if apart is not None else None
    if own := [path for path in there if path.resolve() == where]:
        _require_nobodys(own[0])
    there = [path for path in there if path not in own]
    if not there:
        raise ImageError(
            f"there is no folder in {shortened(folder)}; give one with a folder of photos for each "
            "person, also where it is a single person"
        )
    people, taken = [], {}
    for path in sorted(there, key=lambda path: (path.name.casefold(), path.name)):
        person = _person(path, class_noun, classes or {})
        other = taken.setdefault(person.name, path.name)
        if other != path.name:
            problem = f"{other} has the name {person.name} already; rename one of the folders"
            person = PersonFolder(path, shortened(" ".join(path.name.split())), problem=problem)
        people.append(person)
    return people


def people_fingerprint(folder: str | Path) -> str:
    """Changes when a person, photo or class noun comes, goes or is written anew. Never raises."""
    try:
        found = [(path.name, photos_fingerprint(path)) for path in sorted(_folders(Path(folder)))]
    except ImageError as error:
        return type(error).__name__
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _folders(folder: Path) -> list[Path]:
    """Raises ImageError where there is no such folder."""
    try:
        return [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    except (OSError, ValueError) as error:
        raise ImageError(
            f"cannot list {shortened(folder)} ({getattr(error, 'strerror', None) or error}); give "
            "a folder with a folder of photos for each person"
        ) from error


def _require_nobodys(folder: Path) -> None:
    """What is written among somebody's photos would be learned as theirs the next time."""
    try:
        photos = photo_files(folder)
    except FaceAError:
        return
    for path in photos:
        if path.name != _SHEET and not any(path.with_suffix(one).exists() for one in _BESIDE):
            raise ConfigError(
                f"out is {shortened(folder)}, which is a person's: {shortened(path.name)} lies in "
                "it; give a folder without photos"
            )


def _person(folder: Path, class_noun: str, classes: Mapping[str, str]) -> PersonFolder:
    # A folder may be called anything; its name stands in a line.
    name, photos, notes = shortened(" ".join(folder.name.split())), (), []
    try:
        name, notes = person_name(folder.name)
        if f"{name}.json" == REPORT:
            raise ConfigError(f"{REPORT} is the report's; rename the folder")
        photos = tuple(photo_files(folder))
        noun = _said_in(folder) or classes.get(folder.name) or classes.get(name) or class_noun
        if not noun:
            raise ConfigError(
                f"no class noun; write man, woman, … into {CLASS_FILE} beside the photos, or give "
                "one for everybody"
            )
        return PersonFolder(folder, name, check_class_noun(noun), photos, notes=tuple(notes))
    except FaceAError as error:
        return PersonFolder(folder, name, photos=photos, problem=str(error), notes=tuple(notes))


def _said_in(folder: Path) -> str:
    """The class noun in the person's own file; "" without one."""
    path = folder / CLASS_FILE
    return read_text(path).strip() if path.is_file() else ""


def read_classes(path: str | Path) -> dict[str, str]:
    """Class nouns by name: a JSON object, or the first two columns of a CSV file.

    A first row "name,class" is a heading. Raises ConfigError for anything else.
    """
    path = Path(path)
    text = read_text(path)
    if path.suffix.lower() == ".json":
        said = read_object(text, shortened(path), 'write {"ada": "woman"}')
    else:
        rows = [row for row in csv.reader(text.splitlines()) if any(map(str.strip, row))]
        if short := [row for row in rows if len(row) < 2]:
            raise ConfigError(
                f"{shortened(path)} has a row {shortened(','.join(short[0]))!r} without a class "
                "noun; write ada,woman"
            )
        said = {row[0].strip(): row[1].strip() for row in rows}
        said = dict(pair for pair in said.items() if pair != _HEAD)
    for name, noun in said.items():
        try:
            check_class_noun(noun)
        except ConfigError as error:
            raise ConfigError(f"{shortened(path)}: of {shortened(name)}, {error}") from error
    return said


def read_text(path: Path) -> str:
    """A small text file. Raises ConfigError for what is none."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot read {shortened(path)} ({reason}); save it as UTF-8 text"
        ) from error
