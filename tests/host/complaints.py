"""What a node must say of bad input: one readable message, at that node."""

from __future__ import annotations

import pytest

from .client import Client, NodeError
from .graph import Graph, Node


def complaint(client: Client, graph: Graph, node: Node, *words: str) -> str:
    """Runs a graph that must fail at `node` with one readable message that holds the words."""
    with pytest.raises(NodeError) as raised:
        client.run(graph)
    error, message = raised.value, str(raised.value)
    assert error.node == node.id, f"{error.node_type} failed: {message}"
    assert error.kind.rpartition(".")[2] not in ("RuntimeError", "KeyError", "TypeError"), message
    assert len(message.splitlines()) <= 3
    assert 20 < len(message) < 500
    for word in ("Traceback", "object at 0x", "tensor("):
        assert word not in message
    for word in words:
        assert word in message, message
    return message
