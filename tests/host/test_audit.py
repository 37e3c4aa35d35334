"""The photo audit in a real ComfyUI: good photos, faults, and each policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .client import Client, NodeError
from .faces import checkpoint, detect, train
from .graph import Graph, Node


def with_faults(graph: Graph) -> Node:
    """Two photos of a person, one without a face and one blurred: four."""
    person = graph.add("FaceASamplePhotos", person=3, photos=2, size=128)
    one = graph.add("ImageFromBatch", image=person, batch_index=0, length=1)
    soft = graph.add("ImageBlur", image=one, blur_radius=8, sigma=4.0)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    bad = graph.add("ImageBatch", image1=blank, image2=soft)
    return graph.add("ImageBatch", image1=person, image2=bad)


def audit(graph: Graph, images: Node, **changes: Any) -> Node:
    found = detect(graph, images, on_missing="pass")
    settings = {"policy": "warn", "resolution": 128, "crop_size": 96, "embedder": "auto",
                "limits": "", **changes}  # fmt: skip
    return graph.add("FaceAPhotoAudit", images=images, attributes=found, **settings)


def test_every_output_has_as_many_entries_as_photos(client: Client):
    graph = Graph()
    made = audit(graph, with_faults(graph), policy="skip")
    shown = {n: graph.add("PreviewImage", images=made.out(n)) for n in (0, 2, 4)}
    told = {n: graph.add("PreviewAny", source=made.out(n)) for n in (5, 6, 7)}
    run = client.run(graph)
    line = str(run.of("text", made.id)[-1].data)
    assert "2 of 4 good · photo 3: " in line
    assert "|" not in line
    assert "\n" not in line
    assert [len(run.outputs[node.id]["images"]) for node in shown.values()] == [4, 4, 4]
    crop = client.view(run.outputs[shown[2].id]["images"][0])
    assert crop.size == (96, 96)
    table, report, good = (run.outputs[node.id]["text"][0] for node in told.values())
    statuses = [photo["status"] for photo in json.loads(report)["photos"]]
    assert statuses[2:] == ["red", "red"]
    assert "red" not in statuses[:2]
    assert "blur" in table
    assert good.lower() == "false"


@pytest.mark.parametrize("attributes", [1, 3])
def test_training_leaves_out_what_was_skipped(client: Client, attributes: int):
    graph = Graph()
    made = audit(graph, with_faults(graph), policy="skip")
    photos = made.out(attributes - 1)
    trainer = train(
        graph, photos, made.out(attributes), checkpoint(graph), steps=2, name=f"audit{attributes}"
    )
    (record,) = client.run(graph).outputs[trainer.id]["facea"]
    assert len([note for note in record["notes"] if "left out" in note]) == 2
    assert "learned from 2 of 4 photos" in record["notes"]


def test_stop_lists_the_red_photos(client: Client):
    graph = Graph()
    made = audit(graph, with_faults(graph), policy="stop")
    graph.add("PreviewImage", images=made)
    with pytest.raises(NodeError, match=r"2 of 4 photos.*photo 3.*photo 4"):
        client.run(graph)


@pytest.mark.parametrize(
    ("limits", "said"), [('{"sofd": 1}', "soft"), ("soft", "JSON"), ('{"soft": 7}', "0.0 to 1.0")]
)
def test_limits_that_are_none(client: Client, limits: str, said: str):
    graph = Graph()
    made = audit(graph, graph.add("FaceASamplePhotos", person=3, photos=1, size=128), limits=limits)
    graph.add("PreviewImage", images=made)
    with pytest.raises(NodeError, match=said):
        client.run(graph)


def test_a_list_of_photos_is_looked_at_together(client: Client):
    """A copy is only seen beside what it is a copy of; and what came as a list goes as one."""
    graph = Graph()
    one = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    twice = graph.add("ImageBatch", image1=one, image2=one)
    photos = graph.add("RebatchImages", images=twice, batch_size=1)
    made = audit(graph, photos)
    seen = {n: graph.add("PreviewImage", images=made.out(n)) for n in (0, 2, 4)}
    table = graph.add("PreviewAny", source=made.out(5))
    trainer = train(graph, made.out(0), made.out(1), checkpoint(graph), steps=2, name="looked")
    run = client.run(graph)
    (text,) = run.outputs[table.id]["text"]
    assert "the same picture as photo 1" in text
    assert [len(run.outputs[node.id]["images"]) for node in seen.values()] == [2, 2, 2]
    assert len(run.outputs[trainer.id]["facea"]) == 1
