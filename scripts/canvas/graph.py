"""A workflow as it is described: its nodes, its notes, and the frames they stand in."""

from __future__ import annotations

import inspect
import re
from typing import Any

from .sizes import GAP_X, WIDE, least_size, note_size, place, room_of, width_of
from .values import Group, Node, Slot, Spec


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
        least = least_size(spec)
        size = (max(least[0], wide), max(least[1], high))
        node = Node(len(self.nodes) + 1, kind, title or spec.title, size, spec, inputs)
        node.folded, node.room = folded, 0 if folded else max(size[1], room_of(node))
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
        size = note_size(lines, wide)
        note = Node(0, "MarkdownNote", title, size, spec, {"text": "\n".join(lines)})
        note.room = size[1]
        self.notes.append(note)
        return note

    def lay_out(self, *stacks: Group | list[Group]) -> None:
        """Places everything, from left to right; the groups of a list stand below each other."""
        x = 0
        for stack in stacks:
            groups = stack if isinstance(stack, list) else [stack]
            width = max(width_of(group) for group in groups)
            y = 0
            for group in groups:
                bottom = place(group, x, y)
                self.groups.append((group, (x, y, width, bottom - y)))
                y = bottom + GAP_X
            x += width + GAP_X

    def size(self) -> tuple[int, int]:
        """How wide and how high the whole drawing is."""
        right = max(x + width for _, (x, _, width, _) in self.groups)
        bottom = max(y + height for _, (_, y, _, height) in self.groups)
        return right, bottom


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
