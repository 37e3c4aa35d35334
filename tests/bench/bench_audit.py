"""What the photo audit catches of faults that are planted, and what it says of good photos.

    python tests/bench/bench_audit.py [--sets 40] [--trials 40] [--more FOLDER]

Painted people: sets of 3 or 4 photos by the painter, the tiny detector and embedder, 128 px. Real
photographs: scikit-image's astronaut, matplotlib's Grace Hopper and, with --more, those of a folder
(`name.jpg`, `name2.jpg` … are one person), the landmarks detector and embedder, 512 px. There are
few of them, so every trial varies them as an honest photographer could: cut, turned up to 10
degrees, other light. One photo varied is one picture, so sets of one person need that person's own
two photos or more. The limits were set with other painted people, but with these photographs as
they are, for there are no others: their figures flatter. Writes tests/bench/results/audit.json and,
as a table, audit.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))

from facea_core.attributes import attribute_table
from facea_core.audit import Audit, AuditConfig, audit_embedder, audit_photos
from facea_core.box import Box
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_faces
from facea_core.detection.load import load_detector
from facea_core.io.images import from_pil, load_image
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from tests.bench.photo_faults import ALONE, Dice, copied, covered, varied

RESULTS = Path(__file__).parent / "results" / "audit.json"

# The findings by which a fault is caught. A face that is not even found is not used either.
CAUGHT_BY = {
    "blur": ("blur", "no_face"),
    "duplicate": ("duplicate", "alike"),
    "other person": ("stranger",),
    "tiny face": ("small_face", "no_face"),
    "missing mouth": ("missing_part", "no_face"),
    "too dark": ("dark", "no_face"),
    "too bright": ("bright", "no_face"),
}
TABLE = attribute_table("male")


@dataclass
class World:
    """Photographs or paintings: who finds and tells apart, and how large faces usually are."""

    name: str
    resolution: int
    detector: Any
    config: AuditConfig = field(init=False)
    embedder: Any = field(init=False)
    seen: dict[int, tuple[Tensor, tuple]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = AuditConfig(resolution=self.resolution)
        self.embedder = audit_embedder(self.name, self.resolution)

    def faces(self, image: Tensor) -> tuple:
        """Of a trial's pictures each is searched once."""
        if id(image) not in self.seen:
            self.seen[id(image)] = image, detect_faces(image, self.detector, DetectConfig())
        return self.seen[id(image)][1]

    def audit(self, images: Sequence[Tensor]) -> Audit:
        found = [self.faces(image) for image in images]
        return audit_photos(images, found, TABLE, self.config, self.embedder)


@dataclass
class Score:
    """`hits` of `planted`; `red` of the hits were red. `alarms` of `good` photos by check."""

    planted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    red: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    good: int = 0
    good_red: int = 0
    alarms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sets: int = 0
    set_alarms: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def plant(self, fault: str, audit: Audit, at: int, *others: int) -> None:
        """Of a copy either of the two may be named."""
        found = [
            finding
            for i in (at, *others)
            for finding in audit.photos[i].findings
            if finding.check in CAUGHT_BY[fault]
        ]
        self.planted[fault] += 1
        self.hits[fault] += bool(found)
        self.red[fault] += any(finding.status == "red" for finding in found)

    def clean(self, audit: Audit) -> None:
        self.sets += 1
        for finding in audit.findings:
            self.set_alarms[finding.check] += 1
        for photo in audit.photos:
            self.good += 1
            self.good_red += photo.status == "red"
            for check in {finding.check for finding in photo.findings}:
                self.alarms[check] += 1

    def figures(self) -> dict[str, Any]:
        return {
            "faults": {
                fault: {
                    "planted": count,
                    "caught": self.hits[fault],
                    "red": self.red[fault],
                    "share": round(self.hits[fault] / count, 3),
                    "false_alarms": sum(
                        self.alarms.get(c, 0) for c in CAUGHT_BY[fault] if c != "no_face"
                    ),
                }
                for fault, count in self.planted.items()
            },
            "good_photos": self.good,
            "good_photos_red": self.good_red,
            "alarms_by_check": dict(self.alarms),
            "good_sets": self.sets,
            "alarms_of_sets": dict(self.set_alarms),
        }


def painted(sets: int, seed: int = 70_000) -> Score:
    """Sets of 3 or 4 photos of a painted person, each with each fault in one of its photos."""
    world, score = World("tiny", 128, load_detector("tiny")), Score()
    for number in range(sets):
        dice = Dice(seed + number)
        world.seen.clear()
        count = 3 + dice.below(2)
        people = sample_people(2, dice.generator)
        who = people[:1].repeat(count, 1)
        photos = paint(who, sample_scenes(count, dice.generator))
        images = list(photos.image.split(1))
        stranger = paint(people[1:], sample_scenes(1, dice.generator)).image
        score.clean(world.audit(images))
        at = dice.below(count)
        # Hair may hide a part, and then nothing can be planted in it.
        boxes = photos.boxes[at]
        for fault, plant in ALONE.items():
            where = boxes.get("mouth" if plant is covered else "face")
            if where is not None:
                bad = plant(images[at], Box(*where), dice)
                score.plant(fault, world.audit([*images[:at], bad, *images[at + 1 :]]), at)
        copy = copied(images[at], Box(*boxes["face"]), dice)
        score.plant("duplicate", world.audit([*images, copy]), count, at)
        score.plant("other person", world.audit([*images, stranger]), count)
    return score


def photographs(more: Path | None) -> dict[str, list[Tensor]]:
    """Photos by person, at most 1200 px."""
    from skimage import data

    people = {"astronaut": [from_pil(Image.fromarray(data.astronaut()))]}
    try:
        import matplotlib

        folder = Path(matplotlib.get_data_path()) / "sample_data"
        people["hopper"] = [load_image(folder / "grace_hopper.jpg", 1200)[0]]
    except ImportError:
        print("without matplotlib: no photo of Grace Hopper")
    for path in sorted(more.iterdir()) if more else ():
        named = re.fullmatch(r"([a-z]+)\d*\.jpg", path.name)
        if named and named[1] != "grace":
            people.setdefault(named[1], []).append(load_image(path, 1200)[0])
    return people


def real(trials: int, people: dict[str, list[Tensor]], seed: int = 80_000) -> Score:
    """Single photos with and without faults; sets of those of whom there are two photos or more."""
    world, score = World("landmarks", 512, load_detector("landmarks")), Score()
    known = {
        name: [(image, world.faces(image)[0]) for image in images]
        for name, images in people.items()
    }
    everything = [one for some in known.values() for one in some]
    groups = [some for some in known.values() if len(some) > 1]
    for number in range(trials):
        dice = Dice(seed + number)
        world.seen.clear()
        image, face = everything[number % len(everything)]
        good = varied(image, face.face, dice)
        score.clean(world.audit([good]))
        seen = world.faces(good)
        if not seen:
            continue
        for fault, plant in ALONE.items():
            part = seen[0].part("mouth") if plant is covered else None
            bad = plant(good, part.box if part else seen[0].face, dice)
            score.plant(fault, world.audit([bad]), 0)
        if not groups:
            continue
        some = groups[number % len(groups)]
        photos = [varied(image, face.face, dice) for image, face in some]
        score.clean(world.audit(photos))
        at = dice.below(len(photos))
        copy = copied(photos[at], some[at][1].face, dice)
        score.plant("duplicate", world.audit([*photos, copy]), len(photos), at)
        others = [one for name in known.values() if name is not some for one in name]
        image, face = others[dice.below(len(others))]
        stranger = varied(image, face.face, dice)
        score.plant("other person", world.audit([*photos, stranger]), len(photos))
    return score


def markdown(results: dict[str, Any]) -> str:
    lines = ["| fault | painted: caught | false alarms | photographs: caught | false alarms |",
             "|---|---|---|---|---|"]  # fmt: skip
    for fault in CAUGHT_BY:
        cells = [fault]
        for world in ("painted", "real"):
            row = results.get(world, {}).get("faults", {}).get(fault)
            good = results.get(world, {}).get("good_photos", 0)
            cells += (
                [f"{row['caught']} of {row['planted']} ({row['red']} red)",
                 f"{row['false_alarms']} of {good}"] if row else ["-", "-"]
            )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    cells = []
    for world in ("painted", "real"):
        one = results.get(world, {})
        cells += ["", f"{one.get('good_photos_red', 0)} of {one.get('good_photos', 0)}"]
    lines.append("| good photos called red | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=40, help="of painted people")
    parser.add_argument("--trials", type=int, default=40, help="with real photographs")
    parser.add_argument("--more", type=Path, help="folder of further photographs")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    people = photographs(args.more)
    results = {
        "painted": painted(args.sets).figures(),
        "real": real(args.trials, people).figures(),
        "photographs": {name: len(images) for name, images in people.items()},
        "sets": args.sets,
        "trials": args.trials,
        "torch": torch.__version__,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    args.out.with_suffix(".md").write_text(markdown(results) + "\n", encoding="utf-8")
    print(markdown(results))


if __name__ == "__main__":
    main()
