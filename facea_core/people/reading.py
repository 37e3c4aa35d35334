"""What is known of a person before and after a training: the photos, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from ..audit import AuditConfig
from ..audit.learnable import audited_photos, found_photos, named_photos
from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.found import smear_note
from ..identity import Subject
from ..identity_store.store import Trained
from ..types import Photo
from .folders import PersonFolder

TRAINED, FOUND, FAILED = "trained", "found", "failed"


@dataclass(frozen=True)
class Learned:
    """What became of one person.

    `steps` and `seconds` are those of this time, reading the photos included; `resumed_from` is the
    step that an earlier time had come to, `loss` the last one that was reported, `file` the
    identity, `error` why there is none.
    """

    name: str
    folder: str
    state: str
    steps: int = 0
    resumed_from: int = 0
    seconds: float = 0.0
    loss: float | None = None
    error: str = ""
    file: str = ""
    photos: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Read:
    """A person and the photos that they are learned from; `began` is when reading did."""

    person: PersonFolder
    photos: Sequence[Photo]
    notes: tuple[str, ...]
    began: float

    @property
    def subject(self) -> Subject:
        return Subject(self.person.name, self.person.class_noun)

    def learned(self, trained: Trained, notes: Sequence[str] = ()) -> Learned:
        """What became of the person; `notes` are more of them."""
        record = trained.record
        return Learned(
            self.person.name,
            str(self.person.folder),
            FOUND if record["cached"] else TRAINED,
            record["steps_run"],
            record["resumed_from"],
            round(perf_counter() - self.began, 2),
            record.get("loss"),
            file=str(trained.path),
            photos=len(self.photos),
            notes=(*self.notes, *notes, *record["notes"]),
        )


def read_person(
    person: PersonFolder,
    detector: Detector,
    detection: DetectConfig,
    audit: AuditConfig,
    family: str,
    *,
    captions: bool = False,
    alive: Callable[[], object] = lambda: None,
) -> Read:
    """The photos that may be learned from, by a model of that family.

    `alive` is called before each file, after each search and before each caption: raise in it to
    cancel. Raises as `found_photos` and `audited_photos` do.
    """
    began, notes = perf_counter(), list(person.notes)
    photos, bare = found_photos(
        person.photos, detector, detection, audit.policy, notes.append,
        captions=captions, on_file=alive, on_photo=alive,
    )  # fmt: skip
    notes += smear_note(family, [photo.attributes for photo in photos])
    photos = audited_photos(photos, detection.table, audit, notes.append)
    photos = named_photos(photos, bare, notes.append, alive)
    return Read(person, photos, tuple(notes), began)
