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
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from facea_core.attributes import attribute_table
from facea_core.audit import Audit, AuditConfig, audit_embedder, audit_photos
from facea_core.audit.upright import Turn
from facea_core.box import Box
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_faces
from facea_core.detection.load import load_detector
from facea_core.io.images import from_pil, load_image, resize, to_pil
from facea_core.synthetic.render import paint, sample_people, sample_scenes

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


class Dice:
    """Random numbers of one trial."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.generator))


def gaussian(image: Tensor, sigma: float) -> Tensor:
    reach = max(round(3 * sigma), 1)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    image = F.pad(image, (reach,) * 4, mode="replicate")
    image = F.conv2d(image, kernel[:, :, None], groups=3)
    return F.conv2d(image, kernel[..., None], groups=3)


def jpeg(image: Tensor, quality: int) -> Tensor:
    data = io.BytesIO()
    to_pil(image).save(data, "JPEG", quality=quality)
    return from_pil(Image.open(data))


# The faults. `face` is the true or found face box; widths are shares of it.


def blurred(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """Out of focus by 3 to 6 % of the face's width, or moved by 8 to 14 %."""
    if dice.below(2):
        return gaussian(image, dice.between(0.03, 0.06) * face.width)
    length = max(round(dice.between(0.08, 0.14) * face.width), 3) | 1
    padded = F.pad(image, (length // 2, length // 2, 0, 0), mode="replicate")
    return F.avg_pool2d(padded, (1, length), 1)


def copied(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The same picture smaller, compressed, in other light, mirrored, noisy or cut."""
    height, width = image.shape[-2:]
    kinds: list[Callable[[], Tensor]] = [
        lambda: resize(image, (round(height * 0.6), round(width * 0.6))),
        lambda: jpeg(image, 30),
        lambda: (image * 1.2 + 0.02).clamp(0, 1),
        lambda: image**1.4,
        lambda: image.flip(-1),
        lambda: (image + 0.03 * torch.randn(image.shape, generator=dice.generator)).clamp(0, 1),
        lambda: image[..., height // 30 :, width // 30 : -(width // 25)],
    ]
    return kinds[dice.below(len(kinds))]()


def far_away(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The whole photo small in the middle of its own smeared border."""
    height, width = image.shape[-2:]
    factor = dice.between(0.09, 0.17) * max(height, width) / max(face.width, face.height)
    small = resize(image, (max(round(height * factor), 1), max(round(width * factor), 1)))
    down, across = height - small.shape[-2], width - small.shape[-1]
    pad = (across // 2, across - across // 2, down // 2, down - down // 2)
    return F.pad(small, pad, mode="replicate")


def covered(image: Tensor, mouth: Box, dice: Dice) -> Tensor:
    """Something flat over the mouth: a cloth of any colour, or skin as if there were none."""
    image, box = image.clone(), mouth.grow(1.25).clip(image.shape[-2:])
    if dice.below(2):
        colour = torch.rand(3, generator=dice.generator)
    else:
        around = mouth.grow(1.7).clip(image.shape[-2:])
        colour = image[0, :, around.y0 : around.y1, around.x0 : around.x1].flatten(1)
        colour = colour.median(dim=1).values
    image[0, :, box.y0 : box.y1, box.x0 : box.x1] = colour[:, None, None]
    return image


def darkened(image: Tensor, face: Box, dice: Dice) -> Tensor:
    return image * dice.between(0.12, 0.25)


def brightened(image: Tensor, face: Box, dice: Dice) -> Tensor:
    return (image * dice.between(2.2, 3.0) + 0.1).clamp(0, 1)


ALONE = {
    "blur": blurred,
    "tiny face": far_away,
    "missing mouth": covered,
    "too dark": darkened,
    "too bright": brightened,
}


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


def varied(image: Tensor, face: Box, dice: Dice) -> Tensor:
    """The photo as it could have been as well: turned a little, cut, in other light."""
    (cx, cy), height, width = face.center, *image.shape[-2:]
    room = min(cx, cy, width - cx, height - cy)
    side = 2 * max(room, 0.8 * max(face.width, face.height)) * dice.between(0.85, 1.0)
    shift = [dice.between(-0.05, 0.05) * face.width for _ in range(2)]
    turn = Turn(cx + shift[0], cy + shift[1], side, dice.between(-10, 10), min(round(side), 900))
    return turn.sample(image) ** dice.between(0.8, 1.25)


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
