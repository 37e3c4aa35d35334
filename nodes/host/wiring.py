"""Which outputs of a node somebody wired: what is large and nobody asked for is not made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_execution.graph_utils import ExecutionBlocker


def is_wired(prompt: Any, node_id: str | None, output: int) -> bool:
    """Whether an input of `prompt` takes that output of the node; yes if it is not known."""
    if not isinstance(prompt, Mapping) or node_id not in prompt:
        # A node that another one made, in a loop.
        return True
    wires = [
        value
        for node in prompt.values()
        if isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)
        for value in node["inputs"].values()
        if isinstance(value, list) and len(value) == 2
    ]
    return [node_id, output] in wires


def left_out(what: str, size: int) -> ExecutionBlocker:
    """In place of an output that was not made: wired later, with nothing else changed, it says so.

    ComfyUI keeps what a node gave, and a new wire alone does not make it run again.
    """
    return ExecutionBlocker(
        f"the {what} ({size / 2**30:.1f} GB) were not made, for nothing was wired to them when the "
        "node ran; change anything on it and queue again"
    )
