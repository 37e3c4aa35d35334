"""Every workflow on the canvas is the one that runs headless, and a person can read it."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from typing import Any

import pytest

from ..host.client import Client
from ..host.graph import LATER
from ..host.install import ROOT
from ..host.server import Server
from .frontend import Frontend
from .rectangles import Rect, inside, overlap

WORKFLOWS = ROOT / "workflows"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))


def canvas(name: str) -> dict[str, Any]:
    return json.loads((WORKFLOWS / f"{name}.json").read_text("utf-8"))


def test_each_workflow_has_its_twin():
    assert sorted(path.stem for path in (WORKFLOWS / "api").glob("*.json")) == NAMES
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_canvas_converts_to_its_twin(frontend: Frontend, host: Server, name: str):
    frontend.load(canvas(name))
    assert frontend.unknown() == []
    with Client(host.url) as client:
        info = client.object_info()
    twin = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text("utf-8"))
    assert wiring(frontend.prompt(), info) == wiring(twin, info)
    assert frontend.complaints == []
    assert frontend.dialogs() == []


@pytest.mark.parametrize("name", NAMES)
def test_loading_changes_nothing(frontend: Frontend, name: str):
    graph = canvas(name)
    frontend.load(graph)
    saved, drawn = essence(frontend.saved()), essence(graph)
    if frontend.newer:
        for at, node in saved["nodes"].items():
            # Its widgets are taller; whether there is room for them, test_room.py looks at.
            node["size"] = [
                min(pair) for pair in zip(node["size"], drawn["nodes"][at]["size"], strict=True)
            ]
            later = LATER.get(node["type"], set())
            node["inputs"] = [slot for slot in node["inputs"] if slot[0] not in later]
            if later:
                node["values"] = node["values"][: len(drawn["nodes"][at]["values"])]
                node["outputs"] = [(name.upper(), links) for name, links in node["outputs"]]
    changed = [(node, drawn["nodes"].get(at)) for at, node in saved["nodes"].items()
               if node != drawn["nodes"].get(at)]  # fmt: skip
    assert changed == []
    assert saved == drawn


@pytest.mark.parametrize("name", NAMES)
def test_no_two_nodes_overlap_and_each_stands_in_one_frame(frontend: Frontend, name: str):
    graph = canvas(name)
    frontend.load(graph)
    boxes = frontend.boxes()
    titles = {node["id"]: node.get("title", node["type"]) for node in graph["nodes"]}
    frames = [(g["title"], bounding(g["bounding"])) for g in graph["groups"]]
    assert [
        (titles[a], titles[b]) for a, b in combinations(boxes, 2) if overlap(boxes[a], boxes[b])
    ] == []
    assert [(a[0], b[0]) for a, b in combinations(frames, 2) if overlap(a[1], b[1])] == []
    homeless = [
        titles[node]
        for node, box in boxes.items()
        if sum(inside(box, frame) for _, frame in frames) != 1
    ]
    assert homeless == []


@pytest.mark.parametrize("name", NAMES)
def test_wires_run_from_left_to_right(name: str):
    """From a node to one in the same column, or further right."""
    graph = canvas(name)
    left = {node["id"]: node["pos"][0] for node in graph["nodes"]}
    assert [link for link in graph["links"] if left[link[3]] < left[link[1]]] == []


@pytest.mark.parametrize("script", ["build_workflows.py", "build_locales.py"])
def test_the_files_are_what_the_script_writes(frontend: Frontend, host: Server, script: str):
    if frontend.newer and script == "build_workflows.py":
        pytest.skip("they are drawn for the ComfyUI that is pinned")
    command = [sys.executable, str(ROOT / "scripts" / script), "--url", host.url, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run scripts/{script}: {done.stdout}{done.stderr}"


def wiring(prompt: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    """Kinds, values and wires of an API graph; the front end adds inputs that no node has."""
    known = {
        kind: {name for group in ("required", "optional") for name in node["input"].get(group, {})}
        for kind, node in info.items()
    }
    return {
        key: (
            node["class_type"],
            {k: v for k, v in node["inputs"].items() if k in known[node["class_type"]]},
        )
        for key, node in prompt.items()
    }


def essence(graph: dict[str, Any]) -> dict[str, Any]:
    """What a saved workflow says, without what the front end leaves empty."""
    return {
        "nodes": {
            node["id"]: {
                "type": node["type"],
                "pos": list(node["pos"]),
                "size": list(node["size"]),
                "title": node.get("title"),
                "values": node.get("widgets_values") or [],
                "inputs": [(slot["name"], slot["link"]) for slot in node["inputs"]],
                "outputs": [
                    (slot["name"], slot["links"]) for slot in node["outputs"] if slot["links"]
                ],
            }
            for node in graph["nodes"]
        },
        "links": graph["links"],
        "groups": [(group["title"], list(group["bounding"])) for group in graph["groups"]],
    }


def bounding(box: list[float]) -> Rect:
    x, y, width, height = box
    return x, y, x + width, y + height
