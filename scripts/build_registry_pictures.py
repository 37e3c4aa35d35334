"""Draws docs/registry-icon.png and docs/registry-banner.jpg from facea-tiny's own people.

    python scripts/build_registry_pictures.py

The registry wants a square icon of at most 400 pixels and a banner of 21:9. What is drawn is what
the pack does: three photos of a person, and that person in another picture. The same bytes come
out each time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from facea_core.demo import draw_cast  # noqa: E402
from facea_core.io.images import to_pil  # noqa: E402

PERSON = 3
ICON, BANNER = 400, (1260, 540)
PAPER, INK, ACCENT = "#f4efe6", "#23303d", "#d9643a"
LARGEST = 100_000
"""Bytes of each file, at most."""


def main() -> None:
    cast = draw_cast(PERSON, 256, 3)
    faces = [to_pil(image[None]) for image in cast.photos.image]
    save(icon(faces[0]), ROOT / "docs" / "registry-icon.png")
    save(banner(faces), ROOT / "docs" / "registry-banner.jpg")


def icon(face: Image.Image) -> Image.Image:
    """The person in a frame of dots, as a mask is drawn."""
    picture = Image.new("RGB", (ICON, ICON), PAPER)
    side = ICON - 80
    picture.paste(face.resize((side, side), Image.Resampling.LANCZOS), (40, 40))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((20, 20, ICON - 21, ICON - 21), 36, outline=ACCENT, width=16)
    return picture.quantize(128)


def banner(faces: list[Image.Image]) -> Image.Image:
    """Name and task on the left, three photos of one person on the right."""
    width, height = BANNER
    picture = Image.new("RGB", BANNER, PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 18, height), fill=ACCENT)
    draw.text((70, 130), "FaceA", INK, ImageFont.load_default(132))
    lines = "Learn a person from three photos,\npaint that person into a picture."
    draw.multiline_text((74, 310), lines, INK, ImageFont.load_default(34), spacing=14)
    side = 210
    for number, face in enumerate(faces):
        at = (width - (3 - number) * (side + 16) + 0, 60 + number * 105)
        picture.paste(face.resize((side, side), Image.Resampling.LANCZOS), at)
        draw.rectangle((*at, at[0] + side, at[1] + side), outline=ACCENT, width=5)
    return picture


def save(picture: Image.Image, path: Path) -> None:
    picture.save(path, optimize=True, quality=88)
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{path.name} has {size} bytes, more than {LARGEST}")
    print(f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {size} bytes")


if __name__ == "__main__":
    main()
