"""What all tasks share: the heads of every arm, and what looks at them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from facea_core.detection.base import Detector
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError, ConfigError
from facea_core.evaluation.identity_encoder import (
    ENCODER_FILE,
    AttributeProbe,
    IdentityEncoder,
    load_attribute_probe,
    load_identity_encoder,
)
from facea_core.io.assets import asset
from facea_core.version import __version__

from ..likeness.journal import Journal, Row, read_rows
from ..likeness.subjects import PHOTOS
from .form import Sets
from .heads import Heads, anywhere, heads_of, kept, painted, photos_of, set_of
from .learn import vectors_of
from .thin import CHANCE, FARTHEST, thinned

TRUTH, PHOTO = "truth", "photos"


@dataclass(frozen=True, eq=False)
class Task:
    """`work(bench)` writes the rows that are not there yet into its journal, under arms that begin
    with `name: `; `table(rows)` is what they say, in Markdown."""

    name: str
    work: Callable[[Bench], None]
    table: Callable[[Sequence[Row]], str]


@dataclass(frozen=True, eq=False)
class Bench:
    flags: Sets
    share: tuple[int, int] = (1, 1)

    @cached_property
    def detector(self) -> Detector:
        return load_detector("tiny")

    @cached_property
    def encoder(self) -> IdentityEncoder:
        return load_identity_encoder(self.flags.encoder)

    @cached_property
    def probe(self) -> AttributeProbe:
        return load_attribute_probe()

    @cached_property
    def journal(self) -> Journal:
        flags = self.flags
        about = {
            name: getattr(flags, name)
            for name in ("people", "first", "pictures", "steps", "others", "first_other",
                         "other_pictures")
        }  # fmt: skip
        return Journal(flags.out, {**about, "encoder": self._encoder_hash}, self.share[0])

    @property
    def _encoder_hash(self) -> str:
        path = self.flags.encoder or asset(ENCODER_FILE)
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise AssetError(f"cannot read {path} ({error.strerror}); give an encoder") from error

    @property
    def arms(self) -> tuple[str, ...]:
        """Whose pictures there are to learn from."""
        thin = self.flags.thin
        thinner = [f"{thin[0]}, {how}" for how in (FARTHEST, CHANCE)] if thin else []
        return (TRUTH, *self.flags.folders, *thinner, PHOTO)

    @cached_property
    def _known(self) -> dict[str, Heads]:
        return {}

    def heads(self, arm: str) -> Heads:
        """The heads of an arm, with everybody's labels from 0. Raises AssetError or ConfigError for
        a set that cannot be read."""
        if arm not in self._known:
            self._known[arm] = self._heads(arm)
        return self._known[arm]

    def _heads(self, arm: str) -> Heads:
        flags, folder = self.flags, self.flags.out / "heads"
        numbers = range(flags.first, flags.first + flags.people)
        if arm == PHOTO:
            return self._painted(arm, [photos_of(number) for number in numbers], PHOTOS)
        if arm == TRUTH:
            some = [anywhere(number, flags.pictures) for number in numbers]
            return self._painted(arm, some, flags.pictures)
        name, _, how = arm.partition(", ")
        if how and flags.thin:
            whole = self.heads(name)
            return thinned(whole, vectors_of(self.encoder, whole.crops), flags.thin[1], how)
        shown, total, source = set_of(flags.folders[arm])
        return kept(folder, arm, source, lambda: heads_of(shown, total, self.detector, source))

    @cached_property
    def test(self) -> Heads:
        """The heads of other people."""
        flags = self.flags
        numbers = range(flags.first_other, flags.first_other + flags.others)
        some = [anywhere(number, flags.other_pictures) for number in numbers]
        return self._painted("others", some, flags.other_pictures)

    def _painted(self, name: str, some: Sequence[tuple[Tensor, Tensor]], each: int) -> Heads:
        digest = hashlib.sha256(__version__.encode())
        for person, scenes in some:
            digest.update(person.numpy().tobytes() + scenes.numpy().tobytes())
        source = digest.hexdigest()[:16]
        total = each * len(some)
        return kept(
            self.flags.out / "heads", name, source,
            lambda: heads_of(painted(some), total, self.detector, source),
        )  # fmt: skip

    def left(self, task: str, arm: str, people: Sequence[str], source: str) -> list[str]:
        """For whom of `people` there is no row yet of the arm.

        Raises ConfigError if there are rows of the same arm from other pictures.
        """
        rows = [row for row in read_rows(self.flags.out) if row["arm"] == f"{task}: {arm}"]
        if any(row["source"] != source for row in rows):
            raise ConfigError(
                f"{self.flags.out} has figures of another set called {arm}; give this one another "
                "name, or use a new folder"
            )
        done = {row["person"] for row in rows}
        return [person for person in people if person not in done]

    def add(self, task: str, arm: str, person: str, source: str, figures: Mapping[str, object]):
        """A row of the journal; `person` is what intervals are over: somebody, or a seed."""
        self.journal.add(
            {"person": person, "arm": f"{task}: {arm}", "scene": 0, "source": source, **figures}
        )
