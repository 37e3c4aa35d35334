"""Which detector `auto` chooses for photographs of faces, and for painted people.

    python tests/bench/bench_photographs.py FOLDER ...

Each FOLDER holds photographs with a face in each; a hundred painted people are added, as they are
and as JPEG files. dlib's detector is left out: it is not installed with the pack.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from facea_core.detection import load  # noqa: E402
from facea_core.detection.detect import DetectConfig, detect_faces  # noqa: E402
from facea_core.io.images import from_pil, to_pil  # noqa: E402
from facea_core.seeds import seeded  # noqa: E402
from facea_core.synthetic.parameters import sample_people, sample_scenes  # noqa: E402
from facea_core.synthetic.render import paint  # noqa: E402

CONFIG = DetectConfig("eyes, nose, mouth")
LONGEST, PEOPLE, SEED = 800, 100, 99_100


def photographs(folder: Path) -> Iterator[Image.Image]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
            yield picture


def paintings() -> Iterator[Image.Image]:
    generator = seeded(SEED)
    people, scenes = sample_people(PEOPLE, generator), sample_scenes(PEOPLE, generator)
    for one, scene in zip(people.split(1), scenes.split(1), strict=True):
        yield to_pil(paint(one, scene, 128).image)


def as_jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return Image.open(file).convert("RGB")


def main() -> None:
    torch.set_num_threads(1)
    load.landmarks_available = lambda: False
    auto = load.load_detector("auto", folders=[])

    def count(name: str, pictures: Iterable[Image.Image]) -> None:
        found = Counter[str]()
        for picture in pictures:
            faces = detect_faces(from_pil(picture), auto, CONFIG)
            found[faces[0].detector if faces else "none"] += 1
        print(f"| {name} | {found.total()} | {found['mesh']} | {found['tiny']} | {found['none']} |")

    print("| | Images | mesh | tiny | no face |\n|---|---|---|---|---|")
    for folder in map(Path, sys.argv[1:]):
        count(folder.name, photographs(folder))
    count("painted people", paintings())
    count("… as JPEG files, quality 85", map(as_jpeg, paintings()))


if __name__ == "__main__":
    main()
