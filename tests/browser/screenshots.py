"""Takes the pictures of ComfyUI that README shows, from a first run without any short cut.

    python -m tests.browser.screenshots

Writes docs/comfyui-{templates,training,result,help}.png, which takes a few minutes.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from ..host.install import ROOT, find
from ..host.server import PACK, Server
from .frontend import open_frontend
from .visitor import Visitor

DOCS = ROOT / "docs"
TEMPLATE = "1-first-run"
TRAINER = "FaceAEmbeddingTrainer"
LIMIT = 500 * 1024

# When there is something to see.
STEP = 60

# How wide the help is made, in pixels from the left: its tables need more than it has by itself.
HELP = 640


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        Server(find(), Path(folder) / "base") as server,
        open_frontend(server.url, (1600, 1000)) as frontend,
    ):
        visitor = Visitor(frontend)
        visitor.close_templates()
        # What covers a corner and says nothing of the pack.
        for setting in ("Comfy.Minimap.Visible", "Comfy.Graph.CanvasInfo"):
            frontend.page.evaluate("s => app.ui.settings.setSettingValueAsync(s, false)", setting)
        templates(visitor)
        training(visitor)
        result(visitor)
        help_page(visitor)


def templates(visitor: Visitor) -> None:
    for name in visitor.templates(PACK):
        visitor.thumbnail(name).wait_for()
    # Back up.
    visitor.page.mouse.move(900, 500)
    visitor.page.mouse.wheel(0, -2000)
    visitor.page.mouse.move(900, 40)
    save(visitor, "templates")
    visitor.choose(TEMPLATE)


def training(visitor: Visitor) -> None:
    """From the photos to the trainer."""
    left, top, _, bottom = visitor.around("FaceASamplePhotos", "FaceAAttributeDetect")
    right = visitor.frontend.boxes()[visitor.node(TRAINER)][2]
    visitor.look_at((left, top, right, bottom))
    # Otherwise this picture may come after the training, as ComfyUI pleases.
    visitor.run_only("PreviewImage")
    wait(visitor, "PreviewImage")
    visitor.run()
    while (visitor.moment(TRAINER).step or 0) < STEP:
        time.sleep(0.5)
    save(visitor, "training")


def result(visitor: Visitor) -> None:
    wait(visitor, "FaceASaveImage")
    visitor.look_at(visitor.around("FaceAInpaintCompose", "FaceASaveImage"))
    # What was not in view is loaded now.
    visitor.page.wait_for_load_state("networkidle")
    save(visitor, "result")


def help_page(visitor: Visitor) -> None:
    """Beside the node it is about."""
    visitor.look_at(visitor.around(TRAINER))
    text = visitor.help(TRAINER)
    text.locator("img").wait_for()
    edge = visitor.page.locator(".p-splitter-gutter:visible").first.bounding_box()
    visitor.page.mouse.move(edge["x"] + 2, 600)
    visitor.page.mouse.down()
    visitor.page.mouse.move(HELP, 600, steps=5)
    visitor.page.mouse.up()
    visitor.page.mouse.move(1000, 990)
    visitor.look_at(visitor.frontend.boxes()[visitor.node(TRAINER)], panel=HELP)
    save(visitor, "help")


def wait(visitor: Visitor, kind: str) -> None:
    while not visitor.finished(kind):
        assert visitor.frontend.dialogs() == []
        time.sleep(0.5)


def save(visitor: Visitor, name: str) -> None:
    """Fewer colours where the file would be too large."""
    visitor.settle()
    # The front end fades things in and out.
    visitor.page.wait_for_timeout(1000)
    image = Image.open(io.BytesIO(visitor.page.screenshot())).convert("RGB")
    path = DOCS / f"comfyui-{name}.png"
    image.save(path, optimize=True)
    if path.stat().st_size > LIMIT:
        image.quantize(256).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")  # noqa: T201


if __name__ == "__main__":
    main()
