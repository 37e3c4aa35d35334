"""Somebody between two people, by shares: how like each of them, from the one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from facea_core.composing import ComposeConfig, TargetFace, compose_identity, face_mask
from facea_core.demo import HAIR_ROOM
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.evaluation import evaluate_identity
from facea_core.identity.mixing import blend
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import sample_people
from facea_core.synthetic.render import class_noun
from facea_core.types import Photo

from ..likeness.journal import Row
from ..likeness.subjects import UNSEEN
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown

ARMS: Mapping[str, float] = {"0": 0.0, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75, "1": 1.0}
"""By name the share of the second."""

MEASURES: Mapping[str, str] = {
    "first": "likeness to photos of the first that were not learned from, cosine",
    "second": "the same of the second",
}


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """The person and the next of their gender, between both, in scenes of the first."""
    if not any(wanted(arm, k) for arm in ARMS for k in range(bench.flags.hosts)):
        return
    others = [(index + step) % bench.flags.people for step in range(1, bench.flags.people)]
    partner = next((n for n in others if _noun(bench, n) == _noun(bench, index)), None)
    if partner is None:
        return
    one, other = bench.subject(index), bench.subject(partner)
    parents = bench.learned(index), bench.learned(partner)
    for k, scene in enumerate(one.scenes):
        for name, share in ARMS.items():
            if not wanted(name, k):
                continue
            config = ComposeConfig(hair_room=HAIR_ROOM, seed=1000 * bench.number(index) + k)
            between = blend([(parents[0], 1 - share), (parents[1], share)])
            faces = [TargetFace(face_mask(scene.target, config), between)]
            image = compose_identity(scene.image, faces, bench.backbone, config).image
            (found,) = detect_attributes([image], bench.detector, DetectConfig("face"))
            assert found is not None  # without a face there is an error
            photo = [Photo(image, found)]
            like = {
                what: evaluate_identity(photo, who.photos, who.heldout, bench.judge.embedder)
                for what, who in (("first", one), ("second", other))
            }
            yield Painted(name, k, image, {what: of.heldout for what, of in like.items()})


def _noun(bench: Bench, index: int) -> str:
    (person,) = sample_people(1, seeded(UNSEEN + bench.number(index)))
    return class_noun(person)


def table(rows: Sequence[Row]) -> str:
    """Both likenesses by share, and how far they are apart."""
    lines = []
    for arm in ARMS:
        means = [
            by_person(rows, arm, lambda some, n=name: fmean(row[n] for row in some))
            for name in MEASURES
        ]
        lines.append([arm, *(shown(of) for of in means), shown(difference(means[0], means[1]))])
    return markdown(["Share of the second", *MEASURES, "first less second"], lines)


TASK = Task(paint, table)
