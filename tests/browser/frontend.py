"""ComfyUI's real front end in a headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..host.install import NotReadyError

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Installed, but told nothing yet: nodes arrive after the page has loaded.
_READY = """
() => !!(window.app?.graph && window.LiteGraph?.registered_node_types?.MarkdownNote
    && window.LiteGraph.registered_node_types.FaceAInpaintCompose)
"""

# A question about models that are not there would cover what is to be seen.
_QUIET = "app.ui.settings.setSettingValue('Comfy.Workflow.ShowMissingModelsWarning', false)"


def chromium() -> str:
    """The browser's program. Raises NotReadyError."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise NotReadyError(f"there is no browser; one of {', '.join(names)} must be installed")
    return found


# A file that is not there, or that newer front ends ask others for, is no error of a script.
_NETWORK = ("Failed to load resource", "Content Security Policy")


class Frontend:
    """A page that shows ComfyUI. `complaints` are errors of its scripts since the last `load`."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        # Nothing but this server may answer: the front end asks others for news and fonts.
        page.route(lambda address: not address.startswith(url), lambda route: route.abort())
        page.goto(url)
        page.wait_for_function(_READY, timeout=60_000)
        page.evaluate(_QUIET)

    def version(self) -> tuple[int, int]:
        """Which front end this is: its first two numbers."""
        major, minor, *_ = self.page.evaluate("window.__COMFYUI_FRONTEND_VERSION__").split(".")
        return int(major), int(minor)

    @property
    def newer(self) -> bool:
        """Whether it has Nodes 2.0, app mode, and tabs and buttons over the canvas."""
        return self.version() >= (1, 40)

    def load(self, graph: dict[str, Any]) -> None:
        """Puts a workflow on the canvas as opening its file does, and shows all of it."""
        self.complaints.clear()
        self.page.evaluate("graph => app.loadGraphData(graph, true, true, 'test')", graph)

    def prompt(self) -> dict[str, Any]:
        """The canvas in API form: what the Run button would send."""
        return self.page.evaluate("async () => (await app.graphToPrompt()).output")

    def saved(self) -> dict[str, Any]:
        """The canvas as it would be saved."""
        return self.page.evaluate("() => app.graph.serialize()")

    def boxes(self) -> dict[int, tuple[float, float, float, float]]:
        """By node id, where each node is drawn, title and all: left, top, right, bottom."""
        rows = self.page.evaluate(
            """() => app.graph.nodes.map(n => {
                const [x, y, w, h] = n.boundingRect ?? n.getBounding()
                return [Number(n.id), x, y, x + w, y + h]
            })"""
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def unknown(self) -> list[str]:
        """The kinds of nodes on the canvas that this ComfyUI does not have."""
        return self.page.evaluate(
            """() => app.graph.nodes.map(n => n.type)
                .filter(type => !(type in LiteGraph.registered_node_types))"""
        )

    def dialogs(self) -> list[str]:
        """The text of each dialog that covers the page."""
        return self.page.locator(".p-dialog:visible").all_inner_texts()

    def _listen(self, message: Any) -> None:
        if message.type == "error" and not any(word in message.text for word in _NETWORK):
            self.complaints.append(message.text)


@contextmanager
def open_frontend(url: str, size: tuple[int, int] = (1600, 1000)) -> Iterator[Frontend]:
    """The front end at `url`, in a browser of its own. Raises NotReadyError."""
    with open_page(size) as page:
        yield Frontend(page, url)


@contextmanager
def open_page(size: tuple[int, int]) -> Iterator[Page]:
    """An empty page in a browser of its own. Raises NotReadyError."""
    program = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotReadyError("playwright is not installed; run `make host`") from None
    with sync_playwright() as playwright:
        # Containers have neither a sandbox nor much shared memory.
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser.new_page(viewport={"width": size[0], "height": size[1]})
        browser.close()
