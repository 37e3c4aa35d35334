"""The subgraphs of the pack: one node each, whose widgets reach the nodes in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..host.client import Client
from ..host.faces import TINY
from ..host.graph import Graph, only
from ..host.install import ROOT
from ..host.server import Server
from .frontend import Frontend

FILES = sorted((ROOT / "subgraphs").glob("*.json"))

WIDGETS = "() => app.graph.nodes.map(node => node.widgets.map(w => [w.name, w.value]))"
SET = """
([name, value]) => {
    const widget = app.graph.nodes[0].widgets.find(w => w.name === name)
    widget.value = value
    widget.callback?.(value)
}
"""

# What somebody adds to the two: painted photos and a picture, the small model, a place to see.
CONNECT = """
checkpoint => {
    const [learn, paint] = [1, 2].map(id => app.graph.getNodeById(id))
    const added = type => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        return node
    }
    const wire = (from, output, to, input) =>
        from.connect(output, to, to.inputs.findIndex(one => one.name === input))
    const samples = added('FaceASamplePhotos'), loader = added('CheckpointLoaderSimple')
    loader.widgets[0].value = checkpoint
    wire(samples, 0, learn, 'images')
    wire(samples, 1, paint, 'image')
    for (const node of [learn, paint])
        ['model', 'clip', 'vae'].forEach((name, slot) => wire(loader, slot, node, name))
    wire(learn, 0, paint, 'identity')
    for (const slot of [2, 3]) wire(learn, slot, added('PreviewImage'), 'images')
    wire(paint, 0, added('SaveImage'), 'images')
    wire(paint, 1, added('PreviewImage'), 'images')
}
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_subgraph_is_one_node_with_what_one_sets(frontend: Frontend, path):
    graph = json.loads(path.read_text("utf-8"))
    (inside,) = graph["definitions"]["subgraphs"]
    frontend.load(graph)
    assert frontend.complaints == []
    assert frontend.dialogs() == []
    (shown,) = frontend.page.evaluate(WIDGETS)
    asked = [one["name"] for one in graph["nodes"][0]["inputs"] if "widget" in one]
    assert [name for name, _ in shown if name in asked] == asked
    assert asked
    prompt = frontend.prompt()
    assert sorted(node["class_type"] for node in prompt.values()) == sorted(
        node["type"] for node in inside["nodes"]
    )
    frontend.page.evaluate(SET, ["steps", 7])
    assert [n["inputs"]["steps"] for n in frontend.prompt().values() if "steps" in n["inputs"]] == [
        7
    ]


def test_the_two_learn_a_person_and_paint_it(frontend: Frontend, host: Server):
    graphs = [json.loads(path.read_text("utf-8")) for path in FILES]
    both = graphs[0]
    for number, graph in enumerate(graphs, 1):
        graph["nodes"][0]["id"] = number
    both["nodes"] = [graph["nodes"][0] for graph in graphs]
    both["definitions"]["subgraphs"] = [graph["definitions"]["subgraphs"][0] for graph in graphs]
    both["last_node_id"] = len(both["nodes"])
    frontend.load(both)
    frontend.page.evaluate(CONNECT, TINY)
    assert frontend.dialogs() == []
    graph = Graph(frontend.prompt())
    trainer, compose = (only(graph, f"FaceA{n}") for n in ("EmbeddingTrainer", "InpaintCompose"))
    graph[trainer.id]["inputs"].update(name="subgraph", steps=4, batch=1, previews=1)
    graph[compose.id]["inputs"]["steps"] = 4
    with Client(host.url) as client:
        run = client.run(graph, timeout=300)
    assert (Path(host.base) / "models" / "loras" / "facea" / "subgraph.safetensors").is_file()
    assert run.outputs[only(graph, "SaveImage").id]["images"]


def test_there_are_two():
    assert [path.stem for path in FILES] == ["Learn a person (FaceA)", "Paint a person in (FaceA)"]
