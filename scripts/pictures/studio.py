"""What nodes painted in a run, and pages that show it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from queue_workflow import ComfyUI, Graph, Messages, follow

ROOT = Path(__file__).resolve().parents[2]
DOCS, WORKFLOWS = ROOT / "web" / "docs" / "images", ROOT / "workflows"
INK, PAPER, GAP = "#f2f2f2", "#202024", 8


class Studio:
    """Runs workflows and gives back what their nodes showed, by the node's title."""

    def __init__(self, url: str) -> None:
        self.comfy = ComfyUI(url)

    def run(self, graph: Graph) -> dict[str, list[Image.Image]]:
        messages = Messages(self.comfy)
        entry = follow(self.comfy, messages, self.comfy.queue(graph), graph, lambda text: None)
        if entry["status"]["status_str"] != "success":
            raise SystemExit(json.dumps(entry["status"]["messages"][-1], indent=2))
        shown = {}
        for node, output in entry["outputs"].items():
            files = [self.comfy.get("/view", **image) for image in output.get("images", [])]
            title = graph[node]["_meta"]["title"]
            shown[title] = [Image.open(io.BytesIO(file)).convert("RGB") for file in files]
        return shown


def api(name: str) -> Graph:
    return json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))


def look_at(graph: Graph, title: str, node: str, output: int, *, mask: bool = False) -> None:
    """Adds a node that shows one more output."""
    start: list[Any] = [node, output]
    if mask:
        graph[f"{title} mask"] = {
            "class_type": "MaskToImage",
            "inputs": {"mask": start},
            "_meta": {"title": f"{title} mask"},
        }
        start = [f"{title} mask", 0]
    graph[title] = {
        "class_type": "PreviewImage",
        "inputs": {"images": start},
        "_meta": {"title": title},
    }


def poster(
    rows: list[list[Image.Image]], captions: list[str], width: int = 640, letters: int = 19
) -> Image.Image:
    """Rows of pictures of one height each, as wide as the page, every row with a line below."""
    line = letters + 11
    heights = []
    for row in rows:
        room = width - GAP * (len(row) + 1)
        heights.append(round(room / sum(image.width / image.height for image in row)))
    page = Image.new("RGB", (width, sum(heights) + len(rows) * (line + GAP)), PAPER)
    draw, y = ImageDraw.Draw(page), GAP
    for row, height, caption in zip(rows, heights, captions, strict=True):
        x = GAP
        for image in row:
            size = (round(image.width * height / image.height), height)
            page.paste(image.resize(size, Image.Resampling.LANCZOS), (x, y))
            x += size[0] + GAP
        draw.text((GAP + 2, y + height + 4), caption, INK, ImageFont.load_default(letters))
        y += height + line + GAP
    return page


def card(name: str, rows: list[list[Image.Image]], captions: list[str], side: int = 512) -> None:
    """The picture of a template, a square with letters that can be read where it is small."""
    page = poster(rows, captions, side, letters=32)
    scale = min(side / page.height, 1.0)
    small = page.resize([round(s * scale) for s in page.size], Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (side, side), PAPER)
    whole.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    save(whole, WORKFLOWS / f"{name}.jpg")


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=88, optimize=True)
    print(f"{path.relative_to(ROOT)}: {image.width}x{image.height}, {path.stat().st_size} bytes")


def jpg(node: str) -> str:
    """What the picture of a help page is called."""
    return f"FaceA{node}.jpg"
