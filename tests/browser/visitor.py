"""What somebody does who opens ComfyUI: picks a template, presses buttons, looks at nodes."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from .frontend import Frontend
from .moments import SHOWN, WATCH, Moment, moment_of
from .rectangles import Rect, overlap


class Visitor:
    """Somebody in front of a `Frontend`. A node is named by its kind: the first of that kind."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self.page: Any = frontend.page
        self._newer = frontend.newer
        self._browser = self.page.get_by_role("dialog").filter(has_text="Templates")

    # Templates

    def close_templates(self) -> None:
        """Closes the template browser, once it is open."""
        self._browser.wait_for()
        self._browser.get_by_role("button", name="Close").click()
        self._browser.wait_for(state="hidden")

    def templates(self, pack: str) -> list[str]:
        """From the menu to the template browser, and there to what `pack` brought: the names."""
        if self._newer:
            self.page.get_by_role("button", name="Templates", exact=True).click()
            self._browser.get_by_role("button").get_by_text(pack, exact=True).click()
        else:
            self.page.locator(".comfyui-logo").click()
            self.page.get_by_role("menuitem", name="Browse Templates").click()
            self._browser.get_by_role("option", name=pack, exact=True).click()
        self._browser.get_by_role("heading", name=pack, exact=True).wait_for()
        cards = self._browser.locator("[data-testid^=template-workflow-] h3")
        cards.first.wait_for()
        return cards.all_inner_texts()

    def thumbnail(self, template: str) -> Any:
        """Scrolls to a template's picture: an `img`, to be seen once it is loaded."""
        card = self._card(template)
        card.scroll_into_view_if_needed()
        return card.locator("img")

    def choose(self, template: str) -> None:
        """Clicks on a template where its picture is, and waits until the graph is drawn."""
        self._card(template).click(position={"x": 128, "y": 128})
        self._browser.wait_for(state="hidden")
        self.page.wait_for_function("app.graph.nodes.length > 0")
        self.settle()

    def _card(self, template: str) -> Any:
        return self._browser.get_by_test_id(f"template-workflow-{template}")

    # The canvas

    def node(self, kind: str) -> int:
        """The lowest id: the order of the nodes is changed by clicking on them."""
        return self.page.evaluate(
            """kind => Math.min(
                ...app.graph.nodes.filter(node => node.type === kind).map(node => node.id)
            )""",
            kind,
        )

    def fill(self, kind: str, widget: str, value: object) -> None:
        """Sets a widget of a node."""
        self.page.evaluate(
            """([id, name, value]) => {
                const widget = app.graph.getNodeById(id).widgets.find(w => w.name === name)
                widget.value = value
                widget.callback?.(value)
            }""",
            [self.node(kind), widget, value],
        )

    def settle(self) -> None:
        """Waits until the canvas is drawn anew, and what lies on it was moved after it."""
        self.page.evaluate(
            """async () => {
                for (let frame = 0; frame < 3; frame++) {
                    app.canvas.setDirty(true, true)
                    await new Promise(done => requestAnimationFrame(done))
                }
            }"""
        )

    def rest(self) -> None:
        """Waits until nothing has moved for a third of a second, at most four."""
        self.page.evaluate(
            """async () => {
                const seen = () => JSON.stringify([
                    app.canvas.ds.scale, [...app.canvas.ds.offset],
                    app.graph.nodes.map(n => [...(n.boundingRect ?? n.getBounding())]),
                ])
                let last = seen(), still = 0
                for (let look = 0; look < 40 && still < 4; look++) {
                    app.canvas.setDirty(true, true)
                    await new Promise(done => setTimeout(done, 100))
                    const now = seen()
                    still = now === last ? still + 1 : 0
                    last = now
                }
            }"""
        )

    def pictured(self, outputs: dict[str, Any]) -> bool:
        """Whether nodes show the pictures that a run gave them: its outputs by node id."""
        given = {node: len(one["images"]) for node, one in outputs.items() if "images" in one}
        return self.page.evaluate(
            """given => Object.entries(given).every(([id, count]) => {
                const shown = app.graph.getNodeById(id)?.imgs ?? []
                return shown.filter(one => one.naturalWidth).length >= count
            })""",
            given,
        )

    def readable(self) -> bool:
        """Whether there is text on the nodes. From far away the front end leaves it out."""
        return not self.page.evaluate("app.canvas.low_quality")

    def view(self) -> Rect:
        """The part of the graph that is seen."""
        left, top, right, bottom = self.page.evaluate(
            """() => {
                const { width, height } = app.canvas.canvas.getBoundingClientRect()
                const { scale, offset: [x, y] } = app.canvas.ds
                return [-x, -y, width / scale - x, height / scale - y]
            }"""
        )
        return left, top, right, bottom

    def look_at(self, part: Rect, margin: float = 24, panel: float = 0) -> None:
        """Moves the view so that a part of the graph fills it, up to so many pixels.

        `panel` is how much of the canvas a panel at its left covers.
        """
        if self._newer:
            margin = max(margin, 140)  # tabs and buttons lie on the canvas
        left, top, right, bottom = part
        canvas = self.page.evaluate("app.canvas.canvas.getBoundingClientRect().toJSON()")
        width = canvas["width"] - panel - 2 * margin
        height = canvas["height"] - 2 * margin
        scale = min(width / (right - left), height / (bottom - top))
        x = (panel + margin + width / 2) / scale - (left + right) / 2
        y = (margin + height / 2) / scale - (top + bottom) / 2
        self.page.evaluate(
            "([scale, x, y]) => Object.assign(app.canvas.ds, { scale, offset: [x, y] })",
            [scale, x, y],
        )
        self.settle()

    def around(self, *kinds: str) -> Rect:
        """The bounds of a few nodes, with the frames that they stand in."""
        chosen = [self.node(kind) for kind in kinds]
        frames = self.page.evaluate(
            """() => app.graph.groups.map(g => {
                const [x, y, w, h] = g.boundingRect
                return [x, y, x + w, y + h]
            })"""
        )
        boxes = [self.frontend.boxes()[node] for node in chosen]
        around = [frame for frame in frames if any(overlap(frame, box) for box in boxes)]
        lefts, tops, rights, bottoms = zip(*boxes, *around, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def overlaps(self) -> set[tuple[str, str]]:
        """The titles of each two nodes that share a place. What a node shows makes it larger."""
        titles = dict(self.page.evaluate("app.graph.nodes.map(n => [Number(n.id), n.title])"))
        boxes = self.frontend.boxes()
        return {
            (titles[a], titles[b]) for a, b in combinations(boxes, 2) if overlap(boxes[a], boxes[b])
        }

    # Running

    def run(self) -> None:
        button = self.page.get_by_test_id("queue-button")
        (button if self._newer else button.get_by_role("button", name="Run")).click()
        # Away from the button, which would stay lit.
        self.page.mouse.move(800, 990)

    def run_only(self, kind: str) -> None:
        """Runs a node that shows something and what it needs: the blue button above the node."""
        self._select(kind)
        self.page.locator(".selection-toolbox button:has(.fill-path-white)").click()
        self.page.mouse.click(800, 990)

    def moment(self, kind: str) -> Moment:
        return moment_of(self.page.evaluate(SHOWN, self.node(kind)))

    def watch(self, kind: str) -> None:
        """From now on `moments` has each change of what the node shows."""
        self.page.evaluate(WATCH, self.node(kind))

    def moments(self) -> list[Moment]:
        return [moment_of(json.loads(one)) for one in self.page.evaluate("window.faceaMoments")]

    def finished(self, kind: str) -> bool:
        """Whether a node has had its turn and given pictures."""
        return self.page.evaluate("id => !!app.nodeOutputs[id]?.images", str(self.node(kind)))

    def picture(self, kind: str) -> str:
        """Looks at a node that is finished: the address of the picture on it."""
        self.look_at(self.around(kind))
        node = self.node(kind)
        self.page.wait_for_function(
            "id => app.graph.getNodeById(id).imgs?.[0].naturalWidth > 0", arg=node
        )
        return self.page.evaluate("id => app.graph.getNodeById(id).imgs[0].src", node)

    # Looking things up

    def help(self, kind: str) -> Any:
        """Clicks on a node, then on the button with an i: the help that opens."""
        button = self.page.get_by_test_id("info-button")
        # A graph that was just loaded may still move under the pointer.
        for _ in range(10):
            self.settle()
            self._select(kind)
            self.page.wait_for_timeout(700)
            if button.is_visible():
                break
        button.click()
        return self.page.locator(".node-help-content")

    def search(self, words: str) -> Any:
        """Double-clicks beside the nodes and types: the names that are offered."""
        self.look_at(self.around("FaceASamplePhotos"), margin=320)
        # The veil of the last search may still be fading, and takes the first clicks.
        for _ in range(10):
            self.page.mouse.dblclick(800, 950)
            self.page.wait_for_timeout(500)
            if self._search.is_visible():
                break
        self._search.fill(words)
        if self._newer:
            return self.page.locator("#results-list [role=option]")
        return self.page.locator(".comfy-vue-node-search-container .option-display-name")

    def close_search(self) -> None:
        while self._search.is_visible():
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(100)

    @property
    def _search(self) -> Any:
        if self._newer:
            return self.page.get_by_placeholder("Add a node...")
        return self.page.locator(".comfy-vue-node-search-box input")

    def library(self, words: str) -> Any:
        """Opens the node library and types: the nodes that remain."""
        if self._newer:
            self.page.get_by_role("button", name="Node Library (n)").click()
            self.page.locator(".side-bar-panel input").first.fill(words)
            return self.page.locator(r".group\/tree-node")
        # The help of a node stands in its place, and has a button back to it.
        help_page = self.page.locator("div:has(> .node-help-content)")
        if help_page.is_visible():
            help_page.locator("button:has(.pi-arrow-left)").click()
        else:
            self.page.locator(".node-library-tab-button").click()
        self.page.locator(".node-lib-search-box input").fill(words)
        return self.page.locator(".node-lib-tree-explorer .tree-leaf")

    def _select(self, kind: str) -> None:
        """Clicks on a node's title."""
        place = self.page.evaluate(
            """id => {
                const { pos: [x, y] } = app.graph.getNodeById(id)
                return app.canvasPosToClientPos([x + 60, y - 15])
            }""",
            self.node(kind),
        )
        self.page.mouse.click(*place)
