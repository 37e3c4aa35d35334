"""What every format starts from: pictures that fit together, and their JPEGs, unchanged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ...errors import AssetError, ConfigError, quoted
from ...io.files import read_plain
from ..values import IMAGES, Picture

TRAIN = "train"

_LARGEST = 1 << 28
"""Bytes: more than any JPEG that is painted."""

_SPLIT = re.compile(r"\w+")


def checked(pictures: Sequence[Picture]) -> None:
    """Raises ConfigError where there are no pictures, or these do not fit together.

    Each has a path of its own, `images/person/name.jpg`, and each person one folder and one label.
    """
    if not pictures:
        raise ConfigError("there are no pictures to write; sample some first")
    paths: set[str] = set()
    folders: dict[int, str] = {}
    labels: dict[str, int] = {}
    for picture in pictures:
        parts = tuple(picture.path.split("/"))
        if (
            len(parts) != 3
            or parts[0] != IMAGES
            or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)
            or not parts[2].lower().endswith((".jpg", ".jpeg"))
        ):
            raise ConfigError(
                f"the path of picture {quoted(picture.id)} is {quoted(picture.path)}; it has to be "
                f"{IMAGES}/person/name.jpg"
            )
        if picture.path in paths:
            raise ConfigError(f"{quoted(picture.path)} is there twice; give each picture once")
        if picture.label < 0:
            raise ConfigError(
                f"the label of {quoted(picture.path)} is {picture.label}; give one from 0"
            )
        paths.add(picture.path)
        person = parts[1]
        if (
            folders.setdefault(picture.label, person) != person
            or labels.setdefault(person, picture.label) != picture.label
        ):
            raise ConfigError(
                f"{quoted(picture.path)} has label {picture.label}, and its folder or its label "
                "belongs to another person; each person needs one folder and one label"
            )
        if not _SPLIT.fullmatch(picture.split):
            raise ConfigError(
                f"the split of {quoted(picture.path)} is {quoted(picture.split)}; give one word, "
                f"such as {TRAIN}"
            )


def jpeg_of(folder: str | Path, picture: Picture) -> bytes:
    """The JPEG of a picture of the set in `folder`.

    Raises AssetError if it is missing or is not the one that the picture describes.
    """
    path = Path(folder) / picture.path
    try:
        data = read_plain(path, _LARGEST)
    except OSError as error:
        raise AssetError(
            f"cannot read {path} ({error.strerror or error}), which the manifest names; sample the "
            "set again, or take the line out of the manifest"
        ) from error
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise AssetError(
            f"{path} is not the picture that the manifest describes (its SHA-256 differs); sample "
            "the set again, or take the line out of the manifest"
        )
    return data


def person_of(picture: Picture) -> str:
    """The name of the person's folder in images/."""
    return PurePosixPath(picture.path).parts[1]


def class_names(pictures: Sequence[Picture]) -> list[str]:
    """A name for each label from 0 to the last: that of the identity, or of the person's folder
    where two people have one name; the number of a label that no picture has."""
    people = {picture.label: picture for picture in pictures}
    alone = len({picture.identity for picture in people.values()}) == len(people)
    return [
        (people[label].identity if alone else person_of(people[label]))
        if label in people
        else f"{label:04d}"
        for label in range(max(people) + 1)
    ]


def by_split(pictures: Sequence[Picture]) -> dict[str, list[Picture]]:
    """The pictures of each split, in order."""
    splits: dict[str, list[Picture]] = {}
    for picture in pictures:
        splits.setdefault(picture.split, []).append(picture)
    return splits


def to_train_on(pictures: Sequence[Picture]) -> tuple[list[Picture], tuple[str, ...]]:
    """The pictures of the split `train`, for formats that know no other, and a note on the others.

    Raises ConfigError where there is none.
    """
    kept = [picture for picture in pictures if picture.split == TRAIN]
    if not kept:
        raise ConfigError(f"no picture is of the split {TRAIN}; there is nothing to write")
    left = len(pictures) - len(kept)
    return kept, ((f"{left} pictures of other splits than {TRAIN} left out",) if left else ())
