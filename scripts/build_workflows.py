"""Writes every workflow twice, for the canvas (workflows/) and for the API (workflows/api/), and
the subgraphs that the front end lists among its nodes (subgraphs/).

    python scripts/build_workflows.py [--url http://127.0.0.1:8188] [--check]

Both files of a pair come from one description in `graphs.py` (subgraphs: `blueprints.py`), so they
cannot drift apart. What
inputs a node has is asked of a running ComfyUI with this pack; an input that the description does
not name gets its default. With --check nothing is written and the exit status says whether the
files on disk are what would be.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import re
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
FRONTEND = "1.27.10"

# The measures of the canvas, in its pixels. `TITLE` is the bar above a node's position.
TITLE, SLOT, WIDGET, TEXT, EDGE = 30, 20, 24, 54, 14
# The same of Nodes 2.0, whose nodes are taller; `BASE` counts the title and the badge below.
ROW, LINES, BASE = 30, 62, 68
# What a node needs once it has run: lines of text below its widgets, a picture below its slots.
SAID, SHOWN = 64, 232
ALONE = {"PreviewImage": 266, "PreviewAny": 118}
WIDE, GAP_X, GAP_Y, PAD, HEADER = 250, 24, 12, 12, 32
# What a window of 1600 x 1000 shows of the canvas, and the least zoom at which there is text.
WINDOW, MARGIN, READABLE = (1536, 922), 20, 0.58
# The front end fits a template into three quarters of its canvas (1600 x 1000): so this is 60 %.
LARGEST = (1960, 1220)

COLOURS = {
    "blue": "#3f789e",
    "green": "#8A8",
    "red": "#A88",
    "violet": "#88A",
    "cyan": "#8AA",
    "sand": "#b58b2a",
}


class Slot(NamedTuple):
    """One output of a node: what a wire starts from."""

    node: Node
    index: int


@dataclass(eq=False)
class Node:
    """A node of the graph, or a note (kind "MarkdownNote"). `size` is (width, height)."""

    id: int
    kind: str
    title: str
    size: tuple[int, int]
    spec: Spec
    inputs: dict[str, Any] = field(default_factory=dict)
    pos: tuple[int, int] = (0, 0)
    room: int = 0
    """What is kept free for the node below its title: it grows by what it shows."""
    folded: bool = False
    """Whether only the title is shown."""

    def __getitem__(self, output: str) -> Slot:
        return Slot(self, self.spec.outputs.index(output))


class Group(NamedTuple):
    """A titled frame; its columns stand side by side, the nodes of one above each other."""

    title: str
    colour: str
    columns: tuple[list[Node], ...]


class Spec:
    """What /object_info says of one kind of node, in the order of the front end."""

    def __init__(self, kind: str, info: dict[str, Any]) -> None:
        self.core = not info["python_module"].startswith("custom_nodes.")
        self.outputs: list[str] = list(info["output_name"])
        self.output_types: list[str] = list(info["output"])
        self.display_name: str = info["display_name"] or kind
        # The words for searching, in brackets, would make every node as wide as they are.
        self.title = self.display_name.split(" (")[0]
        self.inputs: dict[str, tuple[Any, dict[str, Any], bool]] = {}
        for section in ("required", "optional"):
            names = info.get("input_order", {}).get(section, info["input"].get(section, {}))
            for name in names:
                type_, *rest = info["input"][section][name]
                options = dict(rest[0]) if rest else {}
                if isinstance(type_, list):  # the older way to write a combo
                    type_, options = "COMBO", {"options": type_, **options}
                self.inputs[name] = (type_, options, section == "optional")

    @property
    def sockets(self) -> list[str]:
        return [name for name in self.inputs if not self.is_widget(name)]

    @property
    def widgets(self) -> list[str]:
        return [name for name in self.inputs if self.is_widget(name)]

    def is_widget(self, name: str) -> bool:
        type_, options, _ = self.inputs[name]
        return type_ in WIDGETS and not options.get("forceInput")

    def has_control(self, name: str) -> bool:
        """Whether the front end puts "control after generate" below this widget."""
        type_, options, _ = self.inputs[name]
        asked = options.get("control_after_generate")
        return bool(name in ("seed", "noise_seed") if asked is None else asked) and type_ == "INT"

    def default(self, name: str) -> Any:
        type_, options, _ = self.inputs[name]
        empty = {"STRING": "", "BOOLEAN": False, "COMBO": (options.get("options") or [""])[0]}
        return options.get("default", empty.get(type_, 0))


class Graph:
    """One workflow: nodes and wires, and where they stand on the canvas."""

    def __init__(self, info: dict[str, Any], name: str) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.notes: list[Node] = []
        self.groups: list[tuple[Group, tuple[int, int, int, int]]] = []
        self.models: dict[int, list[dict[str, str]]] = {}
        self.app: tuple[dict[tuple[Node, str], str], list[Node]] | None = None
        """What app mode asks for (a node and a widget of it) in which words; what it shows."""
        self.inlet: Node | None = None
        """Inside a subgraph: where wires from outside begin."""
        self._info = info

    def node(
        self,
        kind: str,
        title: str | None = None,
        /,
        *,
        wide: int = 0,
        high: int = 0,
        folded: bool = False,
        **inputs: Any,
    ) -> Node:
        """Adds a node. An input is a value, or `other["output"]` for a wire."""
        if kind not in self._info:
            raise SystemExit(f"{self.name}: this ComfyUI has no node {kind!r}")
        spec = Spec(kind, self._info[kind])
        if unknown := inputs.keys() - spec.inputs.keys():
            raise SystemExit(f"{self.name}: {kind} has no input {', '.join(sorted(unknown))}")
        least = self._least_size(spec)
        size = (max(least[0], wide), max(least[1], high))
        node = Node(len(self.nodes) + 1, kind, title or spec.title, size, spec, inputs)
        node.folded, node.room = folded, 0 if folded else max(size[1], self._room(node))
        self.nodes.append(node)
        return node

    def inlets(self, **types: str) -> Node:
        """What comes into a subgraph: names and types. Wires start from it as from a node.

        What is no socket there is a widget of the node that stands for the subgraph.
        """
        empty = {"python_module": "", "display_name": "", "input": {}}
        spec = Spec("", {**empty, "output": list(types.values()), "output_name": list(types)})
        self.inlet = Node(-10, "", "", (120, 20 * (len(types) + 1)), spec)
        return self.inlet

    def larger(self, title: str, images: Slot, *, wide: int, high: int) -> list[Node]:
        """Adds nodes that show small pictures four times as large; the front end never does."""
        scale = self.node(
            "ImageScaleBy",
            "… four times as large",
            image=images,
            folded=True,
            upscale_method="lanczos",
            scale_by=4.0,
        )
        return [scale, self.picture(title, scale["IMAGE"], wide=wide, high=high)]

    def picture(self, title: str, images: Slot, *, wide: int = 0, high: int = 266) -> Node:
        """Adds a node that shows pictures."""
        return self.node("PreviewImage", title, wide=wide, high=high, images=images)

    def checkpoint(self, title: str, file: str, url: str = "") -> Node:
        """Adds a checkpoint; with a `url` the front end offers it to whoever has not got it."""
        node = self.node("CheckpointLoaderSimple", title, ckpt_name=file)
        if url:
            self.models[node.id] = [{"name": file, "url": url, "directory": "checkpoints"}]
        return node

    def text(self, title: str, source: Slot, *, wide: int = 0, high: int = 100) -> Node:
        """Adds a node that shows a text, and goes on showing it when the run is over."""
        return self.node("PreviewAny", title, wide=wide, high=high, source=source)

    def note(self, title: str, text: str, *, wide: int = WIDE) -> Node:
        """A note beside the wires, in markdown. It is no part of what is computed."""
        empty = {"python_module": "", "output": [], "output_name": [], "input": {}}
        spec = Spec("MarkdownNote", {**empty, "display_name": title})
        lines = _unwrapped(text)
        # About what the front end's letters need: 5.4 pixels each, 17 a line.
        high = sum(17 * math.ceil(5.4 * len(line) / (wide - 40)) or 12 for line in lines)
        # The front end makes none lower than 88.
        size = (wide, max(46 + high + 14 * text.count("## "), 88))
        note = Node(0, "MarkdownNote", title, size, spec, {"text": "\n".join(lines)})
        note.room = size[1]
        self.notes.append(note)
        return note

    def lay_out(self, *stacks: Group | list[Group]) -> None:
        """Places everything, from left to right; the groups of a list stand below each other."""
        x = 0
        for stack in stacks:
            groups = stack if isinstance(stack, list) else [stack]
            width = max(self._width(group) for group in groups)
            y = 0
            for group in groups:
                bottom = self._place(group, x, y)
                self.groups.append((group, (x, y, width, bottom - y)))
                y = bottom + GAP_X
            x += width + GAP_X

    @staticmethod
    def _width(group: Group) -> int:
        widths = [max(node.size[0] for node in column) for column in group.columns]
        return sum(widths) + GAP_X * (len(widths) - 1) + 2 * PAD

    @staticmethod
    def _place(group: Group, x: int, top: int) -> int:
        """Gives the nodes of a group their places; returns where the group ends below."""
        right, lowest = x + PAD, top
        for column in group.columns:
            width = max(node.size[0] for node in column)
            y = top + HEADER
            for node in column:
                y += TITLE
                node.pos, node.size = (right, y), (width, node.size[1])
                y += node.room + GAP_Y
            lowest = max(lowest, y - GAP_Y)
            right += width + GAP_X
        return lowest + PAD

    @staticmethod
    def _least_size(spec: Spec) -> tuple[int, int]:
        """What the front end would give the node, and a little more width."""
        height = max(len(spec.sockets), len(spec.outputs), 1) * SLOT
        lines = 0
        for name in spec.widgets:
            _, options, _ = spec.inputs[name]
            lines += TEXT if options.get("multiline") else WIDGET
            lines += WIDGET * spec.has_control(name)
            lines += WIDGET * bool(options.get("image_upload"))
        return WIDE, height + lines + (EDGE if lines else 6)

    @staticmethod
    def _room(node: Node) -> int:
        """How high the node may become, in either renderer, by what it shows after a run."""
        kind, spec = node.kind, node.spec
        if kind in ALONE:
            return ALONE[kind]
        high = BASE - TITLE + max(len(spec.sockets), len(spec.outputs), 1) * SLOT
        for name in spec.widgets:
            _, options, _ = spec.inputs[name]
            wired = isinstance(node.inputs.get(name), Slot)
            high += SLOT if wired else LINES if options.get("multiline") else ROW
            high += SHOWN * bool(options.get("image_upload"))
        if kind == "FaceAEmbeddingTrainer":  # its last picture while training, and the sheet
            return high + SAID + 2 * SHOWN + 16
        if kind in ("FaceASaveImage", "SaveImage"):
            return high + SHOWN
        return high + SAID * (kind.startswith("FaceA") and kind != "FaceASamplePhotos")

    def prompt(self) -> dict[str, Any]:
        """The graph as POST /prompt takes it."""
        return {
            str(node.id): {
                "class_type": node.kind,
                "inputs": {
                    **{name: self._value(node, name) for name in node.spec.widgets},
                    **{
                        name: [str(value.node.id), value.index]
                        for name in node.spec.inputs
                        if isinstance(value := node.inputs.get(name), Slot)
                    },
                },
                "_meta": {"title": node.title},
            }
            for node in self.nodes
        }

    def canvas(self) -> dict[str, Any]:
        """The graph as the front end saves it."""
        for note in self.notes:
            note.id = len(self.nodes) + 1 + self.notes.index(note)
        links: list[list[Any]] = []
        for node in self.nodes:
            for index, name in enumerate([*node.spec.sockets, *node.spec.widgets]):
                if isinstance(start := node.inputs.get(name), Slot):
                    type_ = start.node.spec.output_types[start.index]
                    ends = [start.node.id, start.index, node.id, index]
                    links.append([len(links) + 1, *ends, type_])
        everything = [*self.nodes, *self.notes]
        order = {node.id: place for place, node in enumerate(self._in_order())}
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"facea/{self.name}")),
            "revision": 0,
            "last_node_id": len(everything),
            "last_link_id": len(links),
            "nodes": [self._drawn(node, links, order[node.id]) for node in everything],
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
                for index, (group, bounding) in enumerate(self.groups, 1)
            ],
            "config": {},
            "extra": {"ds": self._view(), "frontendVersion": FRONTEND, **self._linear()},
            "version": 0.4,
        }

    def size(self) -> tuple[int, int]:
        """How wide and how high the whole drawing is."""
        right = max(x + width for _, (x, _, width, _) in self.groups)
        bottom = max(y + height for _, (_, y, _, height) in self.groups)
        return right, bottom

    def _view(self) -> dict[str, Any]:
        """Where the canvas opens: all of it if that can be read, else its beginning.

        The front end's own choice leaves a broad margin, and from afar it draws no text.
        """
        right, bottom = self.size()
        room = (WINDOW[0] - 2 * MARGIN, WINDOW[1] - 2 * MARGIN)
        scale = round(max(READABLE, min(room[0] / right, room[1] / bottom, 1.0)), 3)
        return {"scale": scale, "offset": [round(MARGIN / scale)] * 2}

    def _linear(self) -> dict[str, Any]:
        """What makes the file an app: the front end shows a form in place of the canvas."""
        if self.app is None:
            return {}
        asked, shown = self.app
        linear = {
            "inputs": [[node.id, widget] for node, widget in asked],
            "outputs": [node.id for node in shown],
        }
        return {"linearMode": True, "linearData": linear}

    def _drawn(self, node: Node, links: list[list[Any]], order: int) -> dict[str, Any]:
        spec, slots = node.spec, []
        for name in [*spec.sockets, *spec.widgets]:
            type_, options, optional = spec.inputs[name]
            place = len(slots)
            link = next((k[0] for k in links if k[3:5] == [node.id, place]), None)
            slots.append(
                {
                    "name": name,
                    **({"label": label} if (label := self._label(node, name)) else {}),
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
            values.append(self._value(node, name))
            if spec.has_control(name):
                values.append("fixed")
            if spec.inputs[name][1].get("image_upload"):
                values.append("image")
        properties: dict[str, Any] = {}
        if node.kind != "MarkdownNote":
            properties["cnr_id"] = "comfy-core" if spec.core else "facea-net"
            properties["Node name for S&R"] = node.kind
        if node.id in self.models:
            properties["models"] = self.models[node.id]
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
                for index, (name, type_) in enumerate(
                    zip(spec.outputs, spec.output_types, strict=True)
                )
            ],
            **({"title": node.title} if node.title != spec.display_name or not spec.inputs else {}),
            "properties": properties,
            "widgets_values": values,
        }
        if node.kind == "MarkdownNote":
            drawn |= {"widgets_values": [node.inputs["text"]], "color": "#432", "bgcolor": "#653"}
        return drawn

    def _label(self, node: Node, name: str) -> str:
        return self.app[0].get((node, name), "") if self.app else ""

    def _value(self, node: Node, name: str) -> Any:
        """What the widget shows; under a wire that is its default."""
        value = node.inputs.get(name, node.spec.default(name))
        return node.spec.default(name) if isinstance(value, Slot) else value

    def _in_order(self) -> list[Node]:
        """Notes first, then each node after those it reads from."""
        done: list[Node] = [*self.notes, *([self.inlet] if self.inlet else [])]
        left = list(self.nodes)
        while left:
            ready = next(
                node
                for node in left
                if all(v.node in done for v in node.inputs.values() if isinstance(v, Slot))
            )
            done.append(ready)
            left.remove(ready)
        return done


def build(info: dict[str, Any]) -> dict[str, str]:
    """Every file as its text, by its path in the pack."""
    from blueprints import BLUEPRINTS
    from graphs import GRAPHS

    files: dict[str, str] = {}
    for name, describe in GRAPHS.items():
        graph = Graph(info, name)
        describe(graph)
        placed = [n for group, _ in graph.groups for column in group.columns for n in column]
        lost = [node for node in [*graph.nodes, *graph.notes] if node not in placed]
        if lost:
            raise SystemExit(f"{name}: {', '.join(node.title for node in lost)} stand in no group")
        size = graph.size()
        if size[0] > LARGEST[0] or size[1] > LARGEST[1]:
            raise SystemExit(f"{name}: {size[0]} x {size[1]}, more than can be read at one look")
        files[f"workflows/{name}.json"] = _text(graph.canvas())
        files[f"workflows/api/{name}.json"] = _text(graph.prompt())
    for name, describe in BLUEPRINTS.items():
        files[f"subgraphs/{name}.json"] = _text(describe(Graph(info, name)))
    return files


def _unwrapped(text: str) -> list[str]:
    """Markdown with one line for each paragraph, heading and list item."""
    lines: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        begins = re.match(r"#|- |\d+\. ", line.strip())
        if lines and lines[-1] and line and not begins and not lines[-1].startswith("#"):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())
    return lines


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="a ComfyUI with this pack")
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    with urlopen(f"{args.url.rstrip('/')}/object_info", timeout=60) as answer:
        info = json.load(answer)
    stale = []
    for path, text in build(info).items():
        file = here / path
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not args.check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    verb = "differs" if args.check else "written"
    print("\n".join(f"{path}: {verb}" for path in stale) or "all files are up to date")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
