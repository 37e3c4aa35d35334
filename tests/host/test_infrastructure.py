"""The tools of these tests themselves, on nodes that every ComfyUI has."""

from __future__ import annotations

import pytest
from PIL import Image

from .client import Client, NodeError, QueueError
from .graph import Graph
from .server import Server


def test_a_picture_goes_in_and_comes_out(client: Client):
    picture = Image.new("RGB", (24, 16), (200, 100, 50))
    graph = Graph()
    loaded = graph.add("LoadImage", image=client.upload(picture, "plain.png"))
    saved = graph.add("SaveImage", images=loaded, filename_prefix="plain")
    run = client.run(graph)
    (image,) = run.outputs[saved.id]["images"]
    assert client.view(image).tobytes() == picture.tobytes()
    assert run.executed == {loaded.id, saved.id}
    assert client.run(graph).executed == set()


def test_a_refused_graph_names_the_input(client: Client):
    graph = Graph()
    graph.add("SaveImage", filename_prefix="nothing")
    with pytest.raises(QueueError, match=r"node 1 \(SaveImage\): .*missing: images"):
        client.queue(graph)


def test_a_failing_node_is_an_error_and_the_next_prompt_runs(client: Client, host: Server):
    graph = Graph()
    name = client.upload(Image.new("RGB", (8, 8)), "gone.png")
    graph.add("PreviewImage", images=graph.add("LoadImage", image=name))
    prompt = client.queue(graph)
    (host.base / "input" / name).write_bytes(b"no picture")
    client.wait(prompt)
    client.free()
    with pytest.raises(NodeError, match="gone.png"):
        client.run(graph)
    (host.base / "input" / name).unlink()
    graph = Graph()
    empty = graph.add("EmptyImage", width=8, height=8, batch_size=2, color=255)
    shown = graph.add("PreviewImage", images=empty)
    assert len(client.run(graph).outputs[shown.id]["images"]) == 2


def test_all_that_it_writes_is_below_its_folder(host: Server):
    assert "user/comfyui.db" in host.files()
    assert not (host.comfyui / "user" / "comfyui.db").exists()
    assert host.memory > 100
