"""A person taken from a file is the person taken from the trainer, also when the file changes."""

from __future__ import annotations

from typing import Any

from .client import Client, Run
from .faces import checkpoint, compose, detect, load, training
from .graph import Graph, Node


def paint(graph: Graph, model: tuple[Any, Any, Any], loader: Node) -> str:
    """Paints the loaded person into the sample's other picture; returns the id that shows it."""
    context = graph.add("FaceASamplePhotos", person=3, photos=1, size=128).out(1)
    patched = (loader, loader.out(1), model[2])
    compose(graph, context, patched, attributes=detect(graph, context), prompt=loader.out(2))
    return str(len(graph))


def from_file(name: str) -> tuple[Graph, Node, str]:
    graph = Graph()
    model = checkpoint(graph)
    loader = load(graph, model, f"facea/{name}.safetensors")
    return graph, loader, paint(graph, model, loader)


def picture(client: Client, run: Run, shown: str) -> bytes:
    (image,) = run.outputs[shown]["images"]
    return client.view(image).tobytes()


def test_from_the_file_and_from_the_trainer_it_paints_the_same(client: Client):
    graph, trainer = training(name="same", steps=12)
    model = checkpoint(graph)
    wired = paint(graph, model, load(graph, model, identity=trainer))
    from_trainer = picture(client, client.run(graph), wired)
    options = client.object_info()["FaceALoRALoader"]["input"]["required"]["file"][1]["options"]
    assert "facea/same.safetensors" in options
    graph, _, shown = from_file("same")
    assert picture(client, client.run(graph), shown) == from_trainer


def test_a_file_that_changed_is_read_again(client: Client):
    pictures = []
    for seed in (1, 2):
        client.run(training(name="swap", seed=seed, count=1, steps=6)[0])
        graph, loader, shown = from_file("swap")
        run = client.run(graph)
        assert loader.id in run.executed
        assert client.run(graph).executed == set()
        pictures.append(picture(client, run, shown))
    assert pictures[0] != pictures[1]
