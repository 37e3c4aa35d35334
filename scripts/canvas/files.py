"""A workflow as files hold it: for the canvas, as the front end saves it, and for the API."""

from __future__ import annotations

import uuid
from typing import Any

from .graph import Graph
from .values import LATER, Node, Slot

FRONTEND = "1.27.10"

# What a window of 1600 x 1000 shows of the canvas, and the least zoom at which there is text.
WINDOW, MARGIN, READABLE = (1536, 922), 20, 0.58

COLOURS = {
    "blue": "#3f789e",
    "green": "#8A8",
    "red": "#A88",
    "violet": "#88A",
    "cyan": "#8AA",
    "sand": "#b58b2a",
}


def prompt_of(graph: Graph) -> dict[str, Any]:
    """The graph as POST /prompt takes it."""
    return {
        str(node.id): {
            "class_type": node.kind,
            "inputs": {
                **{name: _value(node, name) for name in node.spec.widgets},
                **LATER.get(node.kind, {}),
                **{
                    name: [str(value.node.id), value.index]
                    for name in node.spec.inputs
                    if isinstance(value := node.inputs.get(name), Slot)
                },
            },
            "_meta": {"title": node.title},
        }
        for node in graph.nodes
    }


def canvas_of(graph: Graph) -> dict[str, Any]:
    """The graph as the front end saves it."""
    for note in graph.notes:
        note.id = len(graph.nodes) + 1 + graph.notes.index(note)
    links: list[list[Any]] = []
    for node in graph.nodes:
        for index, name in enumerate([*node.spec.sockets, *node.spec.widgets]):
            if isinstance(start := node.inputs.get(name), Slot):
                type_ = start.node.spec.output_types[start.index]
                ends = [start.node.id, start.index, node.id, index]
                links.append([len(links) + 1, *ends, type_])
    everything = [*graph.nodes, *graph.notes]
    order = {node.id: place for place, node in enumerate(_in_order(graph))}
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"facea/{graph.name}")),
        "revision": 0,
        "last_node_id": len(everything),
        "last_link_id": len(links),
        "nodes": [_drawn(graph, node, links, order[node.id]) for node in everything],
        "links": links,
        "groups": [
            {
                "id": index,
                "title": group.title,
                "bounding": list(bounding),
                "color": COLOURS[group.colour],
                "font_size": 24,
                "flags": {},
            }
            for index, (group, bounding) in enumerate(graph.groups, 1)
        ],
        "config": {},
        "extra": {"ds": _view(graph), "frontendVersion": FRONTEND, **_linear(graph)},
        "version": 0.4,
    }


def _view(graph: Graph) -> dict[str, Any]:
    """Where the canvas opens: all of it if that can be read, else its beginning.

    The front end's own choice leaves a broad margin, and from afar it draws no text.
    """
    right, bottom = graph.size()
    room = (WINDOW[0] - 2 * MARGIN, WINDOW[1] - 2 * MARGIN)
    scale = round(max(READABLE, min(room[0] / right, room[1] / bottom, 1.0)), 3)
    return {"scale": scale, "offset": [round(MARGIN / scale)] * 2}


def _linear(graph: Graph) -> dict[str, Any]:
    """What makes the file an app: the front end shows a form in place of the canvas."""
    if graph.app is None:
        return {}
    asked, shown = graph.app
    linear = {
        "inputs": [[node.id, widget] for node, widget in asked],
        "outputs": [node.id for node in shown],
    }
    return {"linearMode": True, "linearData": linear}


def _drawn(graph: Graph, node: Node, links: list[list[Any]], order: int) -> dict[str, Any]:
    spec, slots = node.spec, []
    for name in [*spec.sockets, *spec.widgets]:
        type_, options, optional = spec.inputs[name]
        place = len(slots)
        link = next((k[0] for k in links if k[3:5] == [node.id, place]), None)
        slots.append(
            {
                "name": name,
                **({"label": label} if (label := _label(graph, node, name)) else {}),
                **({"shape": 7} if optional else {}),
                "type": type_,
                **({"widget": {"name": name}} if spec.is_widget(name) else {}),
                "link": link,
            }
        )
        if options.get("image_upload"):
            upload = {"name": "upload", "type": "IMAGEUPLOAD", "widget": {"name": "upload"}}
            slots.append({**upload, "link": None})
    values: list[Any] = []
    for name in spec.widgets:
        values.append(_value(node, name))
        if spec.has_control(name):
            values.append("fixed")
        if spec.inputs[name][1].get("image_upload"):
            values.append("image")
    properties: dict[str, Any] = {}
    if node.kind != "MarkdownNote":
        properties["cnr_id"] = "comfy-core" if spec.core else "facea-net"
        properties["Node name for S&R"] = node.kind
    if node.id in graph.models:
        properties["models"] = graph.models[node.id]
    drawn = {
        "id": node.id,
        "type": node.kind,
        "pos": list(node.pos),
        "size": list(node.size),
        "flags": {"collapsed": True} if node.folded else {},
        "order": order,
        "mode": 0,
        "inputs": slots,
        "outputs": [
            {
                "name": name,
                "type": type_,
                "links": [k[0] for k in links if k[1:3] == [node.id, index]] or None,
            }
            for index, (name, type_) in enumerate(zip(spec.outputs, spec.output_types, strict=True))
        ],
        **({"title": node.title} if node.title != spec.display_name or not spec.inputs else {}),
        "properties": properties,
        "widgets_values": values,
    }
    if node.kind == "MarkdownNote":
        drawn |= {"widgets_values": [node.inputs["text"]], "color": "#432", "bgcolor": "#653"}
    return drawn


def _label(graph: Graph, node: Node, name: str) -> str:
    return graph.app[0].get((node, name), "") if graph.app else ""


def _value(node: Node, name: str) -> Any:
    """What the widget shows; under a wire that is its default."""
    value = node.inputs.get(name, node.spec.default(name))
    return node.spec.default(name) if isinstance(value, Slot) else value


def _in_order(graph: Graph) -> list[Node]:
    """Notes first, then each node after those it reads from."""
    done: list[Node] = [*graph.notes, *([graph.inlet] if graph.inlet else [])]
    left = list(graph.nodes)
    while left:
        ready = next(
            node
            for node in left
            if all(v.node in done for v in node.inputs.values() if isinstance(v, Slot))
        )
        done.append(ready)
        left.remove(ready)
    return done
