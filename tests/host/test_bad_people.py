"""Files of people that do not fit, are damaged or are not there: the loader says so."""

from __future__ import annotations

import pytest
import torch

from facea_core.identity import save_identity
from facea_core.identity.adapters import RETIRED
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

from .client import Client, NodeError, QueueError
from .complaints import complaint
from .faces import checkpoint, load
from .graph import Graph, Node
from .server import Server

pytestmark = pytest.mark.usefixtures("next_prompt_runs")


def save_stranger(
    host: Server, family: str, width: int, name: str, backbone: str = "0" * 16
) -> str:
    """A small identity of a model family; returns its name as the loader lists it."""
    meta = IdentityMeta(family, backbone, "man", f"a photo of embedding:{name}/eyes", 1, 0, 4)
    layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    lora = {layer: LoraWeights(torch.zeros(4, width), torch.zeros(width, 4), 4.0)}
    word = Word(f"{name}/eyes", "eyes", "eyes", {"clip_l": torch.zeros(1, width)})
    path = host.base / "models" / "loras" / "facea" / f"{name}.safetensors"
    save_identity(Identity(name, (word,), lora, meta), path)
    return f"facea/{path.name}"


def refusal(client: Client, graph: Graph, node: Node, file: str, *words: str) -> None:
    """A file that is not in the node's list: refused when queued (from v0.8.0 on), or by it."""
    with pytest.raises((NodeError, QueueError), match=file) as raised:
        client.run(graph)
    if raised.type is NodeError:
        complaint(client, graph, node, file, *words)


def test_a_person_of_another_family(client: Client, host: Server):
    file = save_stranger(host, "sd15", 768, "stranger")
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "sd15", "facea-tiny")


def test_a_person_of_weights_that_are_gone(client: Client, host: Server):
    file = save_stranger(host, "facea-tiny", 128, "earlier", backbone=min(RETIRED))
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "earlier weights", min(RETIRED), "train the person again")


def test_a_damaged_person_file(client: Client, host: Server):
    file = save_stranger(host, "facea-tiny", 32, "damaged")
    path = host.base / "models" / "loras" / file
    path.write_bytes(path.read_bytes()[:-100])
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    refusal(client, graph, loader, "damaged.safetensors")


def test_a_person_file_that_is_not_there(client: Client):
    graph = Graph()
    loader = load(graph, checkpoint(graph), "facea/nobody.safetensors")
    graph.add("PreviewAny", source=loader.out(2))
    refusal(client, graph, loader, "facea/nobody.safetensors", "loras")


def test_no_person_at_all(client: Client):
    graph = Graph()
    loader = load(graph, checkpoint(graph), "none")
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "file", "identity")
