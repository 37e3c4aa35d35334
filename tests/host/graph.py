"""Graphs in API form, written in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LATER = {"LoraModelLoader": {"bypass"}}
"""Inputs of ComfyUI's own nodes that a newer one requires, and an older one passes over."""


@dataclass(frozen=True)
class Node:
    """A node of a graph. Given as an input it means its first output; `out(n)` is the others."""

    id: str

    def out(self, index: int) -> list[Any]:
        return [self.id, index]


class Graph(dict[str, Any]):
    """What /prompt takes.

    >>> graph = Graph()
    >>> image = graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0)
    >>> graph.add("SaveImage", images=image, filename_prefix="empty")
    Node(id='2')
    """

    def add(self, class_type: str, **inputs: Any) -> Node:
        node = Node(str(len(self) + 1))
        links = {k: v.out(0) if isinstance(v, Node) else v for k, v in inputs.items()}
        self[node.id] = {"class_type": class_type, "inputs": links}
        return node


def only(graph: dict[str, Any], class_type: str) -> Node:
    """The one node of its kind in a graph."""
    (found,) = [key for key, node in graph.items() if node["class_type"] == class_type]
    return Node(found)


def train_briefly(graph: dict[str, Any]) -> None:
    """Makes whatever a graph trains a matter of seconds, and lets pictures of such people pass."""
    for node in graph.values():
        if node["class_type"] == "FaceAEmbeddingTrainer":
            node["inputs"].update(steps=10, batch=1, previews=1, settings='{"variants": 2}')
        if node["class_type"] == "FaceATrainFolder":
            node["inputs"].update(steps=4, previews=1, settings='{"batch": 1, "variants": 2}')
        if node["class_type"] == "FaceATrainSlider":
            node["inputs"].update(steps=4, settings='{"paintings": 4, "levels": 2}')
        if node["class_type"] == "FaceADatasetSampler":
            node["inputs"].update(count=4, steps=4, lower=0.01)
