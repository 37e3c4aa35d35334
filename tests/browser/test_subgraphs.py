"""The subgraphs of the pack: one node each, whose widgets reach the nodes in it."""

from __future__ import annotations

import json

import pytest

from ..host.install import ROOT
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


def test_there_are_two():
    assert [path.stem for path in FILES] == ["Learn a person (FaceA)", "Paint a person in (FaceA)"]
