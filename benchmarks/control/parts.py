"""One part of another's face repainted as the person's: is it theirs, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes

from ..likeness.journal import Row
from ..likeness.tables import difference
from .bench import Bench, Painted, Task, Wanted, by_person, markdown, shown
from .measure import MEASURES, measured, of_person
from .repaint import ARMS, Person, repaint
from .truth import COLUMNS, hosts

SELECTIVITY = ("LoRA + word", "LoRA + class word")
"""The same weights asked by the person's word and by an ordinary one."""


def paint(bench: Bench, index: int, wanted: Wanted) -> Iterator[Painted]:
    """Pictures in which the part is not found, as a user's would be searched, are left out."""
    size = bench.backbone.spec.resolution
    for k, host in enumerate(hosts(bench.number(index), bench.flags.hosts, size)):
        missing = [arm for arm in ARMS if wanted(arm, k)]
        if not missing:
            continue
        part = DetectConfig(host.part, on_missing="skip")
        (face,) = detect_attributes([host.before.image], bench.detector, part)
        if face is None:
            continue
        photo = bench.subject(index).photos[0]
        person = Person(bench.learned(index), bench.stranger(index), photo)
        for arm in missing:
            seed = 1000 * bench.number(index) + k
            image = repaint(arm, person, host, face, bench.backbone, seed)
            yield Painted(arm, k, image, {"part": host.part, **measured(bench.probe, host, image)})


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, by part too, and how selective the word is."""
    lines = []
    for arm, one in ARMS.items():
        cells = [f"{arm}: {one.about}"]
        for name in MEASURES:
            cells.append(shown(by_person(rows, arm, lambda some, n=name: of_person(some)[n])))
        for part in COLUMNS:
            some = [row for row in rows if row["part"] == part]
            cells.append(shown(by_person(some, arm, _transfer)))
        lines.append(cells)
    text = markdown(["Arm", *MEASURES, *(f"transfer, {part}" for part in COLUMNS)], lines)
    selective = shown(difference(*(by_person(rows, arm, _transfer) for arm in SELECTIVITY)))
    return f"{text}\n\nSelectivity, {' less '.join(SELECTIVITY)}: {selective}\n"


def _transfer(rows: Sequence[Row]) -> float:
    return of_person(rows)["transfer"]


TASK = Task(paint, table)
