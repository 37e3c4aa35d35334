"""The photos that a command was given: one that cannot be read does not end what others can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...detection.base import Detector
from ...identity import check_family, load_identity
from ...io.photos import photos_of, read_given
from ...selection import photos_to_choose_by
from ...types import Identity, Photo
from ..talk import notes


def read_people(paths: Sequence[Path], family: str) -> list[Identity]:
    """The identities, which are of that model family. Raises as `load_identity` and
    `check_family` do."""
    people = [load_identity(path) for path in paths]
    for one in people:
        check_family(one, family)
    return people


def read_faces(name: str, paths: Sequence[Path], detector: Detector) -> list[Photo]:
    """The largest face of each photo, or of each in a folder; what is left out is said under
    `name`. Raises as `read_given` and `photos_to_choose_by` do."""
    given = read_given(photos_of(paths))
    images = [photo.image for photo in given if photo.image is not None]
    photos, left_out = photos_to_choose_by(images, detector)
    notes(name, [*(photo.problem for photo in given if photo.problem), *left_out])
    return photos
