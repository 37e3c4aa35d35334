"""What nodes look like in the front end, in a headless Chromium."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, TimeoutError, sync_playwright
from queue_workflow import Graph

from .studio import DOCS, Studio, jpg, look_at, save

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


def identity_info(page: Page) -> None:
    page.evaluate(ASK, "facea/sample.safetensors")
    page.wait_for_function(ANSWERED)
    save(look(page, -20, -50, 1300, 510), DOCS / jpg("IdentityInfo"))


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
    save(look(page, -20, -50, 1340, 430), DOCS / jpg("LoadPhotos"))


def save_image(page: Page) -> None:
    nodes = [
        ["FaceASamplePhotos", [0, 0, 300, 190], []],
        ["FaceASaveImage", [360, 0, 380, 430], ["FaceA", "WebP"]],
    ]
    page.evaluate(DRAW, [nodes, [[0, 0, 1, 0]]])
    page.wait_for_function(SHOWN)
    save(look(page, -20, -50, 780, 500), DOCS / jpg("SaveImage"))


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
