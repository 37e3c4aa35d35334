"""Whether `detection.select` finds the right candidate among many wrong ones, on real photographs.

    python tests/bench/bench_select.py [--trials 1000] [--seed 0] [--more FOLDER]... [--json FILE]

The truth is what the landmarks detector says of scikit-image's astronaut, matplotlib's portrait of
Grace Hopper and the photos in `--more`, each as it is, mirrored, and turned by 12 degrees to either
side. A trial takes one of these faces and makes up what a poor open-vocabulary detector would
answer about it, for one attribute with the others around it:

- the true boxes with noise (each side moves by up to 8 % of the box), scores from 0.3 to 0.9; a
  pair as one box, as two halves, as both, as one box with one half missing, or as one half alone
- one to three duplicates of each with more noise (15 %)
- wrong boxes with scores from 0.3 to 1: two other parts of this face, the same part of a neighbour,
  the whole person, the face itself, and three boxes anywhere around the face

"right" is an answer with an IoU of at least 0.5 with the true box (of a pair: with the joined one;
of one half alone: with that half). When "absent" the true boxes are left out and only the wrong
ones come, and the right answer is none. The baseline takes the best score after plain non-maximum
suppression. Prints a table; `--json` writes it with the versions.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from facea_core.attributes import ATTRIBUTES
from facea_core.detection.landmarks import find_landmarks, half_boxes, part_boxes
from facea_core.detection.select import select_parts
from facea_core.io.images import from_pil
from facea_core.types import Box, Detection

KNOWN = ("eyes", "eyebrows", "nose", "mouth", "hair")
"""What the landmarks detector says something of; hair it estimates from the face."""

ONLY_ABSENT = ("beard", "glasses", "ears")
TURNS = (0, -12, 12)
RIGHT = 0.5
_SURE = 0.5


@dataclass(frozen=True)
class Truth:
    """One face: boxes of the face and its parts, the halves of pairs, and the picture's size."""

    size: tuple[int, int]
    boxes: dict[str, Box]
    halves: dict[str, tuple[Box, Box]]


def pictures(folders: Iterable[Path] = ()) -> list[tuple[str, Image.Image]]:
    """The photographs by name."""
    from skimage import data

    found = [("astronaut", Image.fromarray(data.astronaut()))]
    spec = importlib.util.find_spec("matplotlib")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "mpl-data/sample_data/grace_hopper.jpg"
        found.append(("grace_hopper", Image.open(path).convert("RGB")))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in (".jpg", ".jpeg"):
                found.append((path.stem, Image.open(path).convert("RGB")))
    return found


def truths(photos: Sequence[tuple[str, Image.Image]], turns: Sequence[int] = TURNS) -> list[Truth]:
    """The surest face of every version of every photo in which one is found."""
    found = []
    for _, photo in photos:
        photo = photo.copy()
        photo.thumbnail((800, 800))
        for turn in turns:
            for mirrored in (False, True):
                view = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else photo
                view = view.rotate(turn, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128))
                faces = find_landmarks(from_pil(view))
                if not faces or faces[0][1] < _SURE:
                    continue
                points = faces[0][0]
                halves = {name: half_boxes(points, name) for name in ("eyes", "eyebrows")}
                found.append(Truth((view.height, view.width), part_boxes(points), halves))
    return found


def jitter(box: Box, rng: random.Random, amount: float) -> Box:
    dx, dy = amount * box.width, amount * box.height
    return Box(
        round(box.x0 + rng.uniform(-dx, dx)), round(box.y0 + rng.uniform(-dy, dy)),
        round(box.x1 + rng.uniform(-dx, dx)), round(box.y1 + rng.uniform(-dy, dy)),
    )  # fmt: skip


def offered(truth: Truth, name: str, rng: random.Random) -> tuple[list[Box], Box]:
    """True boxes of a part as a detector might give them, and the box that is right."""
    whole = truth.boxes[name]
    if name not in truth.halves:
        return [whole], whole
    left, right = truth.halves[name]
    way = rng.choices(("whole", "halves", "both", "missing", "alone"), (3, 3, 2, 1, 1))[0]
    one = rng.choice((left, right))
    return {
        "whole": ([whole], whole),
        "halves": ([left, right], whole),
        "both": ([whole, left, right], whole),
        "missing": ([whole, one], whole),
        "alone": ([one], one),
    }[way]


def true_candidates(boxes: Sequence[Box], name: str, rng: random.Random) -> list[Detection]:
    found = []
    for box in boxes:
        score = rng.uniform(0.3, 0.9)
        found.append(Detection(name, jitter(box, rng, 0.08), score))
        for _ in range(rng.randint(1, 3)):
            found.append(Detection(name, jitter(box, rng, 0.15), score * rng.uniform(0.6, 1.0)))
    return found


def wrong_candidates(truth: Truth, name: str, rng: random.Random) -> list[Detection]:
    face = truth.boxes["face"]
    width, height = face.width, face.height
    others = [other for other in truth.boxes if other not in (name, "face")]
    boxes = [jitter(truth.boxes[other], rng, 0.08) for other in rng.sample(others, 2)]
    # A neighbour of another size, beside this face.
    step, grown = rng.choice((-1, 1)) * rng.uniform(0.9, 1.6) * width, rng.uniform(0.7, 1.3)
    part = truth.boxes.get(name) or jitter(face, rng, 0.3)
    beside = part.shift(round(step), round(rng.uniform(-0.3, 0.3) * height))
    boxes.append(jitter(beside.grow(grown), rng, 0.08))
    # The whole person, down to somewhere between chest and feet.
    person = Box(
        round(face.x0 - rng.uniform(0.3, 1.2) * width), round(face.y0 - 0.4 * height),
        round(face.x1 + rng.uniform(0.3, 1.2) * width),
        round(face.y1 + rng.uniform(1.5, 5.0) * height),
    )  # fmt: skip
    boxes += [person.clip(truth.size), jitter(face, rng, 0.08)]
    around = face.grow(2.0)
    for _ in range(3):
        w, h = rng.uniform(0.08, 1.2) * width, rng.uniform(0.05, 1.0) * height
        x, y = rng.uniform(around.x0, around.x1 - w), rng.uniform(around.y0, around.y1 - h)
        boxes.append(Box(round(x), round(y), round(x + w), round(y + h)))
    return [Detection(name, box, rng.uniform(0.3, 1.0)) for box in boxes if box.area]


def best_score(found: Sequence[Detection], name: str) -> Box | None:
    """The baseline: plain non-maximum suppression, then the best score."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda one: -one.score):
        if one.phrase == name and all(one.box.iou(other.box) < 0.5 for other in kept):
            kept.append(one)
    return kept[0].box if kept else None


def trial(
    truth: Truth, name: str, rng: random.Random, *, absent: bool
) -> tuple[list[Detection], Box, Box | None]:
    """(candidates of all attributes, the face as it was found, the right answer or None)."""
    found, right = [], None
    for part in truth.boxes:
        if part in ("face", name):
            continue
        # Of the others the detector knows something most of the time.
        if rng.random() < 0.8:
            found += true_candidates(offered(truth, part, rng)[0], part, rng)
        found += wrong_candidates(truth, part, rng)[:3]
    if not absent:
        boxes, right = offered(truth, name, rng)
        found += true_candidates(boxes, name, rng)
    found += wrong_candidates(truth, name, rng)
    rng.shuffle(found)
    return found, jitter(truth.boxes["face"], rng, 0.05), right


def is_right(answer: Box | None, truth: Box | None) -> bool:
    if answer is None or truth is None:
        return answer is truth
    return answer.iou(truth) >= RIGHT


def measure(faces: Sequence[Truth], trials: int, seed: int) -> dict[str, dict[str, float]]:
    """Shares of right answers by attribute: of `select` and of the baseline, present and absent."""
    shares: dict[str, dict[str, float]] = {}
    for name in (*KNOWN, *ONLY_ABSENT):
        row = {}
        for absent in (False, True):
            if name in ONLY_ABSENT and not absent:
                continue
            rng = random.Random(f"{seed} {name} {absent}")
            ours = naive = 0
            for _ in range(trials):
                found, face, right = trial(rng.choice(faces), name, rng, absent=absent)
                asked = (*KNOWN, name) if name in ONLY_ABSENT else KNOWN
                parts = select_parts(found, face, tuple(ATTRIBUTES[one] for one in asked))
                answer = next((part.box for part in parts if part.attribute == name), None)
                ours += is_right(answer, right)
                naive += is_right(best_score(found, name), right)
            kind = "absent" if absent else "present"
            row |= {f"select_{kind}": ours / trials, f"best_score_{kind}": naive / trials}
        shares[name] = row
    return shares


def table(shares: dict[str, dict[str, float]]) -> str:
    lines = [
        "| attribute | right: select | best score | absent, none chosen: select | best score |",
        "|---|---|---|---|---|",
    ]
    columns = ("select_present", "best_score_present", "select_absent", "best_score_absent")
    for name, row in shares.items():
        cells = [f"{100 * row[key]:.1f} %" if key in row else "–" for key in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--more", type=Path, action="append", default=[])
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args(arguments)
    torch.set_num_threads(1)
    photos = pictures(flags.more)
    faces = truths(photos)
    if not faces:
        print("no face found in the photos", file=sys.stderr)
        return 1
    shares = measure(faces, flags.trials, flags.seed)
    print(table(shares))
    if flags.json:
        packages = ("torch", "pillow", "dlib-bin", "scikit-image", "matplotlib")
        result = {
            "trials": flags.trials,
            "seed": flags.seed,
            "photos": [name for name, _ in photos],
            "faces": len(faces),
            "right_iou": RIGHT,
            "shares": shares,
            "versions": {"python": platform.python_version()}
            | {name: importlib.metadata.version(name) for name in packages},
        }
        flags.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
