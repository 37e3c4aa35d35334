"""Every template can be read when the front end fits it, and nothing in it covers anything.

    FACEA_FRONT_END=.../comfyui_frontend_package/static pytest tests/browser/test_room.py

tries another front end than the one that is installed; newer ones have a second renderer, Nodes
2.0, whose nodes are taller.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from ..host.client import Client
from ..host.fixtures import Tell
from ..host.server import Server
from ..host.test_workflows import needs_download
from .frontend import Frontend
from .test_workflows_convert import NAMES, WORKFLOWS, canvas
from .visitor import Visitor

LETTERS = 14
"""Pixels of the letters on a node, where the canvas is not zoomed."""

BRIEF = {
    "FaceAEmbeddingTrainer": {
        "steps": 6, "batch": 1, "previews": 2, "settings": '{"variants": 2}',
    },
    "FaceATrainFolder": {"steps": 4, "previews": 1, "settings": '{"batch": 1, "variants": 2}'},
    "FaceATrainSlider": {"steps": 4, "settings": '{"paintings": 4, "levels": 2}'},
    "FaceADatasetSampler": {"count": 4, "steps": 4, "lower": 0.01},
}  # fmt: skip

# Wires are drawn behind nodes: those of which one can see no beginning or end cannot be followed.
BEHIND = """
() => {
    const boxes = app.graph.nodes.map(n => [n.id, n.boundingRect ?? n.getBounding()])
    const links = app.graph.links.values ? [...app.graph.links.values()] : app.graph.links
    return links.filter(link => {
        const [a, b] = [link.origin_id, link.target_id].map(id => app.graph.getNodeById(id))
        const [x0, y0] = a.getConnectionPos(false, link.origin_slot)
        const [x1, y1] = b.getConnectionPos(true, link.target_slot)
        const pull = Math.hypot(x1 - x0, y1 - y0) / 4
        return [...Array(39).keys()].some(i => {
            const t = (i + 1) / 40, s = 1 - t
            const at = (p, q, r, u) =>
                s * s * s * p + 3 * s * s * t * q + 3 * s * t * t * r + t * t * t * u
            const x = at(x0, x0 + pull, x1 - pull, x1), y = at(y0, y0, y1, y1)
            return boxes.some(([id, [left, top, width, height]]) =>
                id !== a.id && id !== b.id &&
                x > left && x < left + width && y > top && y < top + height)
        })
    }).length
}
"""


# Of the wider scope: all templates in one renderer, then all in the other, which is the usual one.
@pytest.fixture(scope="package", params=["Nodes 2.0", "LiteGraph"])
def renderer(request: pytest.FixtureRequest, frontend: Frontend, host: Server) -> Iterator[str]:
    newer = frontend.newer
    if request.param == "Nodes 2.0" and not newer:
        pytest.skip("this front end has no Nodes 2.0")
    setting = f"{host.url}/settings/Comfy.VueNodes.Enabled"
    if newer:
        requests.post(setting, json=request.param == "Nodes 2.0", timeout=60).raise_for_status()
    yield request.param
    if newer:
        requests.post(setting, json=False, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def visitor(renderer: str, frontend: Frontend, host: Server) -> Iterator[Visitor]:
    window = frontend.page.context.browser.new_page(viewport=frontend.page.viewport_size)
    yield Visitor(Frontend(window, host.url))
    window.close()


@dataclass(frozen=True)
class Room:
    """A template on the canvas; `scale` is how far it is zoomed."""

    name: str
    visitor: Visitor
    scale: float


@pytest.fixture(scope="module", params=NAMES)
def room(request: pytest.FixtureRequest, visitor: Visitor) -> Room:
    # What a node once showed comes back on the next one of its number.
    visitor.page.evaluate("app.nodeOutputs = {}")
    return Room(request.param, visitor, opened(visitor, request.param))


def opened(visitor: Visitor, name: str) -> float:
    """A template, fitted as the template browser does; returns how far it is zoomed."""
    graph = canvas(name)
    # The app as a graph: as a form it has no canvas.
    graph["extra"].pop("linearMode", None)
    visitor.frontend.load(graph)
    visitor.rest()
    visitor.page.evaluate("app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    visitor.rest()
    visitor.settle()
    return visitor.page.evaluate("app.canvas.ds.scale")


def test_a_template_can_be_read(room: Room, renderer: str, tell: Tell):
    visitor, scale = room.visitor, room.scale
    covered = visitor.overlaps()
    tell(
        f"{room.name}, {renderer}: {scale:.0%}, letters of {LETTERS * scale:.1f} pixels, "
        f"{len(covered)} overlaps, {visitor.page.evaluate(BEHIND)} wires behind nodes"
    )
    assert covered == set()
    assert visitor.readable()
    # The installed one opens templates where they say, and not fitted.
    assert scale >= (0.6 if visitor.frontend.newer else 0.57)


def test_nothing_covers_anything_while_it_runs(room: Room, host: Server, renderer: str, tell: Tell):
    twin = json.loads((WORKFLOWS / "api" / f"{room.name}.json").read_text("utf-8"))
    if files := needs_download(twin):
        pytest.skip(f"needs {', '.join(files)}")
    visitor, own = room.visitor, f"room{len(renderer)}"
    visitor.page.evaluate(
        """([brief, own]) => app.graph.nodes
            .filter(node => node.type in brief)
            .forEach(node => node.widgets.forEach(widget => {
                const values = brief[node.type]
                if (widget.name in values) widget.value = values[widget.name]
                if (widget.name === 'name' && widget.value !== 'sample') widget.value += own
            }))""",
        [BRIEF, own],
    )
    visitor.page.evaluate(
        """own => app.graph.nodes
            .flatMap(node => node.widgets ?? [])
            .filter(widget => widget.name === 'parts' || widget.name === 'how')
            .forEach(said => {
                said.value = said.value.replace(/: ?[a-z]+/g, name => name + own)
            })""",
        own,
    )
    covered, ended, entry = set(), None, {}
    with Client(host.url) as client:
        before = len(client.history())
        visitor.page.evaluate("() => { app.queuePrompt(0) }")
        began = time.monotonic()
        while ended is None or not (
            visitor.pictured(entry["outputs"]) or time.monotonic() - ended > 3
        ):
            covered |= visitor.overlaps()
            assert time.monotonic() - began < 300
            visitor.page.wait_for_timeout(200)
            if ended is None and len(history := client.history()) > before:
                ended = time.monotonic()
                entry = list(history.values())[-1]
    visitor.rest()
    covered |= visitor.overlaps()
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    tell(f"{room.name}, {renderer}, running: {len(covered)} overlaps")
    assert covered == set()
