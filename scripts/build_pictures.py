"""Makes the pictures of the help pages and the templates out of real runs.

    python scripts/build_pictures.py [--url http://127.0.0.1:8188]

Runs the small workflows on a ComfyUI with this pack, opens nodes in a headless Chromium, and writes
web/docs/images/*.jpg and workflows/*.jpg; with --cards only the latter, without a browser. Needs
playwright and a Chromium. The pictures depend a little on the machine, so no test compares them.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, TimeoutError, sync_playwright
from queue_workflow import ComfyUI, Graph, Messages, follow

ROOT = Path(__file__).resolve().parents[1]
DOCS, WORKFLOWS = ROOT / "web" / "docs" / "images", ROOT / "workflows"
INK, PAPER, GAP = "#f2f2f2", "#202024", 8

# Puts a place of the canvas into the corner of its element and says where that is on the page.
LOOK = """
([x, y, zoom]) => {
    app.canvas.ds.scale = zoom
    app.canvas.ds.offset = [90 / zoom - x, 60 / zoom - y]
    app.canvas.setDirty(true, true)
    const corner = app.canvas.canvas.getBoundingClientRect()
    return [corner.left + 90, corner.top + 60]
}
"""

# Reads a file's contents into two text nodes, as a person would wire it.
ASK = """
async file => {
    app.graph.clear()
    const add = (type, x, y, width, height) => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        node.pos = [x, y]
        node.size = [width, height]
        return node
    }
    const base = add('CheckpointLoaderSimple', 0, 0, 300, 98)
    base.widgets[0].value = 'facea-tiny.safetensors'
    const info = add('FaceAIdentityInfo', 360, 0, 380, 190)
    info.widgets[0].value = file
    const wire = (from, name, to, input) => from.connect(
        from.outputs.findIndex(slot => slot.name === name), to,
        to.inputs.findIndex(slot => slot.name === input))
    wire(base, 'MODEL', info, 'model')
    wire(base, 'CLIP', info, 'clip')
    const report = add('PreviewAny', 800, 0, 460, 440)
    const prompt = add('PreviewAny', 0, 280, 740, 160)
    wire(info, 'report', report, 'source')
    wire(info, 'prompt', prompt, 'source')
    await app.queuePrompt(0)
}
"""

# Runs a small graph: nodes as [type, place and size, values of the first widgets], wires as
# [from, output, to, input].
DRAW = """
async ([nodes, wires]) => {
    app.graph.clear()
    app.clean()
    const made = nodes.map(([type, [x, y, width, height], values]) => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        node.pos = [x, y]
        node.size = [width, height]
        values.forEach((value, at) => { node.widgets[at].value = value })
        return node
    })
    wires.forEach(([from, output, to, input]) => made[from].connect(output, made[to], input))
    await app.queuePrompt(0)
}
"""
SHOWN = "() => app.graph.nodes.some(n => n.imgs?.length === 3)"
ANSWERED = (
    "() => app.graph.nodes.filter(n => n.type === 'PreviewAny').every(n => n.widgets[0].value)"
)


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


def first_run(studio: Studio) -> None:
    graph = api("1-first-run")
    kinds = {node["class_type"]: key for key, node in graph.items()}
    compose, loader = kinds["FaceAInpaintCompose"], kinds["FaceALoRALoader"]
    base, photos = kinds["CheckpointLoaderSimple"], kinds["FaceASamplePhotos"]
    detect = min(k for k, node in graph.items() if node["class_type"] == "FaceAAttributeDetect")
    look_at(graph, "photos", photos, 0)
    look_at(graph, "context", photos, 1)
    look_at(graph, "parts", detect, 2, mask=True)
    look_at(graph, "crop", compose, 1)
    look_at(graph, "mask", compose, 2, mask=True)
    graph["plain"] = {
        "class_type": "FaceAInpaintCompose",
        "inputs": {
            **graph[compose]["inputs"],
            "model": [base, 0],
            "clip": [base, 1],
            "prompt": "a photo of a man",
        },
        "_meta": {"title": "plain"},
    }
    look_at(graph, "without", "plain", 0)
    assert graph[compose]["inputs"]["model"][0] == loader
    shown = studio.run(graph)
    (result,), (context,) = shown["The result"], shown["context"]
    save(
        poster([shown["photos"], [context]], ["photos", "context"], 480),
        DOCS / "FaceASamplePhotos.jpg",
    )
    save(
        poster(
            [shown["What was found"][:2], shown["parts"][:3]],
            ["preview", "part_masks: eyes, nose, mouth"],
        ),
        DOCS / "FaceAAttributeDetect.jpg",
    )
    (sheet,) = shown["The person, while training"]
    save(
        sheet.resize((900, round(sheet.height * 900 / sheet.width))),
        DOCS / _jpg("EmbeddingTrainer"),
    )
    save(
        poster([[*shown["without"], result]], ["without and with the person"]),
        DOCS / _jpg("LoRALoader"),
    )
    save(
        poster(
            [[context, *shown["mask"]], [*shown["crop"], result]],
            ["image, mask", "crop (what was painted), image (the result)"],
        ),
        DOCS / _jpg("InpaintCompose"),
    )


def _jpg(node: str) -> str:
    return f"FaceA{node}.jpg"


def photo_audit(studio: Studio) -> None:
    """Four painted photos, three of them with a fault."""
    graph: Graph = {}

    def add(key: str, kind: str, **inputs: Any) -> None:
        graph[key] = {"class_type": kind, "inputs": inputs, "_meta": {"title": key}}

    add("person", "FaceASamplePhotos", person=3, photos=2, size=128)
    add("stranger", "FaceASamplePhotos", person=8, photos=1, size=128)
    add("one", "ImageFromBatch", image=["person", 0], batch_index=0, length=1)
    add("soft", "ImageBlur", image=["one", 0], blur_radius=3, sigma=1.2)
    add("two", "ImageBatch", image1=["person", 0], image2=["soft", 0])
    add("photos", "ImageBatch", image1=["two", 0], image2=["stranger", 0])
    words = {"words": "male", "custom_words": "", "detector": "tiny", "on_missing": "pass"}
    order = {"face_order": "largest", "face_index": 0, "face_threshold": 0.35}
    add(
        "found", "FaceAAttributeDetect", images=["photos", 0], part_threshold=0.25, **words, **order
    )
    add(
        "audit", "FaceAPhotoAudit", images=["photos", 0], attributes=["found", 0], policy="warn",
        resolution=128, crop_size=128, embedder="auto", limits="",
    )  # fmt: skip
    look_at(graph, "overlay", "audit", 4)
    look_at(graph, "crops", "audit", 2)
    shown = studio.run(graph)
    pictures = [shown["overlay"], shown["crops"]]
    save(poster(pictures, ["overlay", "crops"], 1000), DOCS / _jpg("PhotoAudit"))


def painted(studio: Studio, person: int) -> tuple[list[Image.Image], Image.Image, Image.Image]:
    """The first run with another person: the photos, the other picture, the result."""
    graph = api("1-first-run")
    kinds = {node["class_type"]: key for key, node in graph.items()}
    photos = kinds["FaceASamplePhotos"]
    graph[photos]["inputs"]["person"] = person
    if person != 4:  # under its own name, which the stock nodes read
        graph[kinds["FaceAEmbeddingTrainer"]]["inputs"]["name"] = f"sample-{person}"
    look_at(graph, "photos", photos, 0)
    look_at(graph, "context", photos, 1)
    shown = studio.run(graph)
    return shown["photos"], shown["context"][0], shown["The result"][0]


def single_person(studio: Studio) -> None:
    """Templates of one person; in those for photographs painted people stand in."""
    photos, before, after = painted(studio, 4)
    card(
        "1-first-run",
        [photos, [before, after]],
        ["three photos of a person", "before and after"],
    )
    photos, before, after = painted(studio, 235)
    card(
        "2-train-and-paint-yourself",
        [photos, [before, after]],
        ["your photos", "your picture, and you in it"],
    )
    card(
        "6-a-person-into-a-picture.app",
        [[before, after]],
        ["one form: photos, picture"],
    )
    _, before, after = painted(studio, 12)
    card("3-sdxl-scene", [[before, after]], ["a scene, and you in it (painted)"])


def two_people(studio: Studio) -> None:
    graph = api("4-two-people")
    scene = next(k for k, node in graph.items() if node["class_type"] == "ImageStitch")
    look_at(graph, "scene", scene, 0)
    shown = studio.run(graph)
    card("4-two-people", [shown["scene"], shown["The result"]], ["two people,", "two others in it"])


def stock_nodes(studio: Studio) -> None:
    graph = api("5-stock-nodes")
    photos = next(k for k, node in graph.items() if node["class_type"] == "FaceASamplePhotos")
    look_at(graph, "context", photos, 1)
    shown = studio.run(graph)
    card(
        "5-stock-nodes",
        [[*shown["context"], *shown["The result"]]],
        ["by ComfyUI's own nodes"],
    )


def identity_info(page: Page) -> None:
    page.evaluate(ASK, "facea/sample.safetensors")
    page.wait_for_function(ANSWERED)
    save(look(page, -20, -50, 1300, 510), DOCS / _jpg("IdentityInfo"))


def load_photos(studio: Studio, page: Page) -> None:
    """A folder with painted photos of three shapes, and one that only looks like a photo."""
    graph: Graph = {
        "person": {
            "class_type": "FaceASamplePhotos",
            "inputs": {"person": 3, "photos": 3, "size": 256},
            "_meta": {"title": "person"},
        }
    }
    look_at(graph, "photos", "person", 0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "ada"
        folder.mkdir()
        shapes = ((0, 0, 256, 256), (40, 0, 216, 256), (0, 20, 256, 220))
        for number, (photo, shape) in enumerate(
            zip(studio.run(graph)["photos"], shapes, strict=True), 1
        ):
            photo.crop(shape).save(folder / f"ada-{number}.jpg", quality=95)
        (folder / "ada-4.jpg").write_bytes(b"a download that broke off")
        studio.comfy.upload(folder)
    nodes = [
        ["FaceALoadPhotos", [0, 0, 340, 210], ["ada"]],
        ["PreviewImage", [400, 0, 440, 360], []],
        ["PreviewAny", [900, 0, 400, 360], []],
    ]
    page.evaluate(DRAW, [nodes, [[0, 0, 1, 0], [0, 3, 2, 0]]])
    page.wait_for_function(SHOWN)
    page.wait_for_function(ANSWERED)
    save(look(page, -20, -50, 1340, 430), DOCS / _jpg("LoadPhotos"))


def save_image(page: Page) -> None:
    nodes = [
        ["FaceASamplePhotos", [0, 0, 300, 190], []],
        ["FaceASaveImage", [360, 0, 380, 430], ["FaceA", "WebP"]],
    ]
    page.evaluate(DRAW, [nodes, [[0, 0, 1, 0]]])
    page.wait_for_function(SHOWN)
    save(look(page, -20, -50, 780, 500), DOCS / _jpg("SaveImage"))


def look(page: Page, x: float, y: float, width: float, height: float) -> Image.Image:
    """A part of the canvas, as large as it fits."""
    zoom = min(1400 / width, 860 / height, 1.0)
    left, top = page.evaluate(LOOK, [x, y, zoom])
    page.wait_for_timeout(1500)  # text fields follow the canvas a little later
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return shot.crop((left, top, left + round(width * zoom), top + round(height * zoom)))


@contextmanager
def front_end(url: str) -> Iterator[Page]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.route(lambda address: not address.startswith(url), lambda route: route.abort())
        page.goto(url)
        page.wait_for_function(
            "() => !!window.LiteGraph?.registered_node_types?.FaceAInpaintCompose", timeout=60_000
        )
        # A new user is shown the templates first, which would cover every picture.
        templates = page.get_by_role("dialog")
        with suppress(TimeoutError):
            templates.get_by_role("button", name="Close").click(timeout=10_000)
            templates.wait_for(state="hidden")
        for setting in ("Comfy.Workflow.ShowMissingModelsWarning", "Comfy.Minimap.Visible"):
            page.evaluate("name => app.ui.settings.setSettingValue(name, false)", setting)
        yield page
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="a ComfyUI with this pack")
    parser.add_argument("--cards", action="store_true", help="only the pictures of templates")
    args = parser.parse_args()
    studio = Studio(args.url)
    single_person(studio)
    two_people(studio)
    stock_nodes(studio)
    if args.cards:
        return
    first_run(studio)
    photo_audit(studio)
    with front_end(args.url) as page:
        identity_info(page)
        load_photos(studio, page)
        save_image(page)


if __name__ == "__main__":
    main()
