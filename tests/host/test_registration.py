"""What ComfyUI knows of the pack after starting: nodes, model, templates, help, translations."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Client
from .contract import NODES
from .install import ROOT
from .promise import Socket, Widget
from .server import PACK, Server

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def info(host: Server) -> dict[str, Any]:
    with Client(host.url) as client:
        return client.object_info()


def test_it_starts_without_a_complaint(host: Server):
    started, *_ = host.log.split("To see the GUI")
    for word in ("Traceback", "IMPORT FAILED", "Cannot import"):
        assert word not in started


def test_the_nodes_are_there_and_no_other(info: dict[str, Any]):
    ours = {name for name, node in info.items() if PACK in node["python_module"]}
    assert ours == set(NODES)


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_what_was_promised(info: dict[str, Any], name: str):
    node, promise = info[name], NODES[name]
    assert node["display_name"] == promise.title
    assert node["category"] == "FaceA"
    assert node["output_node"] == promise.output_node
    assert node["description"]
    assert dict(zip(node["output_name"], node["output"], strict=True)) == promise.outputs
    assert node["output_name"] == list(promise.outputs)
    assert not node["deprecated"]
    assert not node["experimental"]
    required = [name for name, i in promise.inputs.items() if not getattr(i, "optional", False)]
    assert node["input_order"]["required"] == required
    optional = [name for name in promise.inputs if name not in required]
    assert node["input_order"].get("optional", []) == optional


@pytest.mark.parametrize("name", NODES)
def test_an_input_is_what_was_promised(info: dict[str, Any], name: str):
    found = inputs(info[name])
    wrong = [
        f"{key}: {complaint}"
        for key, wanted in NODES[name].inputs.items()
        for complaint in complaints(wanted, *found[key])
    ]
    assert wrong == []


@pytest.mark.parametrize("name", NODES)
def test_every_input_and_output_has_a_tooltip(info: dict[str, Any], name: str):
    node = info[name]
    bare = [key for key, (_, options) in inputs(node).items() if not options.get("tooltip")]
    tips = dict(zip(node["output_name"], node["output_tooltips"], strict=True))
    assert bare + [key for key, tip in tips.items() if not tip] == []


def test_the_model_that_ships_with_the_pack_is_listed(info: dict[str, Any]):
    files, _ = inputs(info["CheckpointLoaderSimple"])["ckpt_name"]
    assert "facea-tiny.safetensors" in files


def test_the_templates_are_listed_and_served(client: Client):
    listed = client.get("/workflow_templates").json()[PACK]
    files = sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))
    assert sorted(listed) == files
    assert files
    for name in files:
        graph = client.get(f"/api/workflow_templates/{PACK}/{name}.json").json()
        assert graph["nodes"]
        picture = client.get(f"/api/workflow_templates/{PACK}/{name}.jpg")
        assert picture.headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("name", NODES)
def test_a_help_page_is_served_and_names_every_input(client: Client, name: str):
    for page in (f"{name}.md", f"{name}/zh.md"):
        answer = client.get(f"/extensions/{PACK}/docs/{page}")
        text = answer.content.decode("utf-8")
        assert [key for key in NODES[name].inputs if key not in text] == [], page


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_name_what_there_is_and_nothing_else(client: Client, language: str):
    translated = client.get("/i18n").json()[language]["nodeDefs"]
    ours = {name: node for name, node in translated.items() if name.startswith("FaceA")}
    assert set(ours) == set(NODES)
    for name, node in ours.items():
        assert node["display_name"]
        assert node["description"]
        assert set(node["inputs"]) == set(NODES[name].inputs), name
        # Outputs go by number there.
        assert set(node["outputs"]) == {str(i) for i in range(len(NODES[name].outputs))}, name


def inputs(node: dict[str, Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Name -> (type, options) of all of a node's inputs; older nodes give choices as the type."""
    return {
        key: (kind, rest[0] if rest else {})
        for group in ("required", "optional")
        for key, (kind, *rest) in node["input"].get(group, {}).items()
    }


def complaints(wanted: Socket | Widget, kind: str, options: dict[str, Any]) -> list[str]:
    """What is not as promised, one line each."""
    found = []
    if kind != wanted.type:
        found.append(f"is {kind}, not {wanted.type}")
    if isinstance(wanted, Socket):
        return found
    listed = tuple(options.get("options", ()))
    default = options.get("default", listed[0] if listed else None)
    if wanted.default is not None and default != wanted.default:
        found.append(f"starts as {default!r}, not {wanted.default!r}")
    if listed[: len(wanted.options)] != wanted.options:
        found.append(f"lists {listed}, not {wanted.options}")
    if len(listed) > len(wanted.options) and not wanted.more:
        found.append(f"lists more than {wanted.options}: {listed}")
    for limit in ("min", "max"):
        value = getattr(wanted, limit)
        if value is not None and options.get(limit) != value:
            found.append(f"has {limit} {options.get(limit)}, not {value}")
    return found
