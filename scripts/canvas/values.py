"""What a workflow is made of: nodes and what ComfyUI says of their kinds, wires, frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
LATER: dict[str, dict[str, Any]] = {"LoraModelLoader": {"bypass": False}}
"""Inputs of ComfyUI's own nodes that a newer one requires, and an older one passes over."""


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
