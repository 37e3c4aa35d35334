"""One part of another's face repainted as the person's: is it theirs, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.selection import person_rank

from ..likeness.journal import Row
from ..likeness.tables import Estimate, ratio
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown
from .measure import MEASURES, gains, measured, of_person
from .repaint import ARMS, Person, repaint
from .truth import COLUMNS, hosts

SELECTIVITY = ("LoRA + word", "LoRA + class word")
"""The same weights asked by the person's word and by an ordinary one."""

CEILING = "chimera"


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Pictures in which the part is not found, as a user's would be searched, are left out."""
    found = hosts(bench.number(index), bench.flags.hosts, bench.backbone.spec.resolution)
    if not any(wanted(arm, k) for arm in ARMS for k in range(len(found))):
        return
    photos = bench.subject(index).photos
    rank = person_rank(photos, bench.detector, bench.embedder)
    person = Person(bench.learned(index), bench.stranger(index), photos[0], rank)
    for k, host in enumerate(found):
        missing = [arm for arm in ARMS if wanted(arm, k)]
        if not missing:
            continue
        part = DetectConfig(host.part, on_missing="skip")
        (face,) = detect_attributes([host.before.image], bench.detector, part)
        if face is None:
            continue
        for arm in missing:
            seed = 1000 * bench.number(index) + k
            image = repaint(arm, person, host, face, bench.backbone, seed)
            yield Painted(arm, k, image, {"part": host.part, **measured(bench.probe, host, image)})


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, by part too, and how selective the word is."""
    lines = []
    for arm, one in ARMS.items():
        cells = [f"{arm}: {one.about}", shown(transfer(rows, arm)), shown(share(rows, arm))]
        for name in MEASURES:
            cells.append(shown(by_person(rows, arm, lambda some, n=name: of_person(some)[n])))
        for part in COLUMNS:
            cells.append(shown(transfer([row for row in rows if row["part"] == part], arm)))
        lines.append(cells)
    parts = (f"transfer, {part}" for part in COLUMNS)
    text = markdown(["Arm", "transfer", f"of the {CEILING}'s", *MEASURES, *parts], lines)
    selective = shown(transfer(rows, *SELECTIVITY))
    return f"{text}\n\nSelectivity, {' less '.join(SELECTIVITY)}: {selective}\n"


def transfer(rows: Sequence[Row], arm: str, less: str = "") -> Estimate:
    """How far parts became the people's, or how much further than in the arm `less`: the gain of
    all repaints by that of their exact answers (`gains`)."""
    mine = by_person(rows, arm, gains)
    if not less:
        return ratio(list(mine.values()))
    other = by_person(rows, less, gains)
    return ratio([
        (gain - other[person][0], possible)
        for person, (gain, possible) in mine.items() if person in other
    ])  # fmt: skip


def share(rows: Sequence[Row], arm: str) -> Estimate:
    """The arm's gain by that of the exact answer that went through the autoencoder."""
    mine, best = by_person(rows, arm, gains), by_person(rows, CEILING, gains)
    return ratio([(mine[person][0], best[person][0]) for person in mine if person in best])


TASK = Task(paint, table)
