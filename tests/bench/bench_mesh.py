"""The face mesh beside dlib's landmarks on real photographs: what is found, and how fast.

    python tests/bench/bench_mesh.py FOLDER

FOLDER holds photographs with one face each; scikit-image's astronaut and matplotlib's portrait of
Grace Hopper are added. Found is a face whose centre lies within a quarter of a face of where it is;
a part is right whose centre lies inside the face box. Figures for one core: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import matplotlib.cbook as samples
import skimage.data
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from facea_core.detection.detect import DetectConfig, detect_faces  # noqa: E402
from facea_core.detection.load import load_detector  # noqa: E402
from facea_core.io.images import from_pil  # noqa: E402

PARTS = ("eyes", "eyebrows", "nose", "mouth")
CONFIG = DetectConfig(", ".join(PARTS), face_order="score")
LONGEST = 800


def photographs(folder: Path) -> dict[str, Image.Image]:
    found = {path.stem: Image.open(path).convert("RGB") for path in sorted(folder.glob("*.jpg"))}
    found["astronaut"] = Image.fromarray(skimage.data.astronaut())
    found["hopper"] = Image.open(samples.get_sample_data("grace_hopper.jpg")).convert("RGB")
    for picture in found.values():
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return found


def turned(picture: Image.Image, x: float, y: float, degrees: float):
    """The picture turned clockwise about its middle, and where a point of it went."""
    made = picture.rotate(
        -degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(128, 128, 128)
    )
    a = math.radians(degrees)
    dx, dy = x - picture.width / 2, y - picture.height / 2
    x = made.width / 2 + dx * math.cos(a) - dy * math.sin(a)
    return made, x, made.height / 2 + dx * math.sin(a) + dy * math.cos(a)


def views(picture: Image.Image, x: float, y: float, side: float):
    """(name, picture, x, y, side) of every trial with one photograph."""
    for degrees in (0, 30, -30, 60, -60, 90, 180):
        name = f"{abs(degrees)} degrees"
        yield name, *turned(picture, x, y, degrees), side
    wide, high = 0.55 * side, 0.7 * side
    near = picture.crop((round(x - wide), round(y - high), round(x + wide), round(y + high)))
    yield "fills the image", near, wide, high, side
    for pixels in (48, 32, 24):
        factor = pixels / side
        size = (round(picture.width * factor), round(picture.height * factor))
        small = picture.resize(size, Image.Resampling.LANCZOS)
        yield f"face of {pixels} px", small, x * factor, y * factor, pixels


def main() -> None:
    torch.set_num_threads(1)
    detectors = {name: load_detector(name) for name in ("mesh", "landmarks")}
    table: dict[str, dict[str, list[float]]] = {}
    for picture in photographs(Path(sys.argv[1])).values():
        for name in ("landmarks", "mesh"):
            if known := detect_faces(from_pil(picture), detectors[name], CONFIG):
                break
        (x, y), side = known[0].face.center, known[0].face.width
        for view, made, cx, cy, size in views(picture, x, y, side):
            image = from_pil(made)
            for name, detector in detectors.items():
                row = table.setdefault(view, {}).setdefault(name, [0, 0, 0, 0, 0.0])
                start = time.process_time()
                faces = detect_faces(image, detector, CONFIG)
                row[4] += time.process_time() - start
                row[0] += 1
                near = [
                    one for one in faces
                    if math.dist(one.face.center, (cx, cy)) < 0.25 * max(size, one.face.width)
                ]  # fmt: skip
                row[1] += bool(near)
                row[3] += len(faces) - len(near[:1])
                if near:
                    box = near[0].face
                    row[2] += sum(
                        box.x0 <= part.box.center[0] < box.x1
                        and box.y0 <= part.box.center[1] < box.y1
                        for part in near[0].parts
                        if part.attribute in PARTS
                    )
    print(json.dumps(table, indent=1))
    for view, rows in table.items():
        cells = []
        for count, found, parts, wrong, seconds in rows.values():
            cells += [
                f"{found} of {count}",
                f"{parts} of {len(PARTS) * count}",
                str(wrong),
                f"{seconds / count:.2f} s",
            ]
        print(f"| {view} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
