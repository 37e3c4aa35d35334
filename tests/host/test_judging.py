"""Masks of parts, likeness and the grid, in a real ComfyUI."""

from __future__ import annotations

import json

import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect
from .graph import Graph


def test_only_the_eyes_are_repainted(client: Client):
    graph = Graph()
    scene = graph.add("FaceASamplePhotos", person=3, photos=2, size=128)
    found = detect(graph, scene)
    parts = graph.add(
        "FaceAPartMask", attributes=found, parts="eyes", faces="", grow=0.1, feather=0.08
    )
    made = compose(graph, scene, checkpoint(graph), mask=parts, steps=1, context_factor=3.0)
    shown = graph.add("MaskToImage", mask=parts)
    masks = graph.add("PreviewImage", images=shown)
    told = graph.add("PreviewAny", source=parts.out(1))
    report = graph.add("PreviewAny", source=made.out(4))
    run = client.run(graph)
    (text,) = run.outputs[told.id]["text"]
    assert text.split(", ")[:3] == ["head", "face", "eyes"]
    pictures = [client.view(one).convert("L") for one in run.outputs[masks.id]["images"]]
    assert [picture.size for picture in pictures] == [(128, 128)] * 2
    for picture in pictures:
        white = sum(picture.histogram()[128:]) / 128**2
        assert 0.002 < white < 0.15
    (said,) = run.outputs[report.id]["text"]
    assert len(json.loads(said)["pictures"]) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parts": "glasses"}, r"no glasses was found in any face \(found: head, face, eyes"),
        ({"parts": "eye"}, "did you mean 'eyes'"),
        ({"parts": ""}, "parts is empty"),
        ({"faces": "3"}, "no face number 3"),
        ({"faces": "first"}, "faces is 'first'"),
    ],
)
def test_a_part_that_is_not_there(client: Client, change: dict[str, str], said: str):
    graph = Graph()
    found = detect(graph, graph.add("FaceASamplePhotos", person=3, photos=1, size=128))
    settings = {"parts": "eyes", "faces": "", "grow": 0.1, "feather": 0.08, **change}
    parts = graph.add("FaceAPartMask", attributes=found, **settings)
    graph.add("PreviewImage", images=graph.add("MaskToImage", mask=parts))
    with pytest.raises(NodeError, match=said):
        client.run(graph)


def test_people_are_told_apart(client: Client):
    graph = Graph()
    person = graph.add("FaceASamplePhotos", person=4, photos=4, size=128)
    other = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    first = graph.add("ImageFromBatch", image=person, batch_index=0, length=1)
    rest = graph.add("ImageFromBatch", image=person, batch_index=1, length=3)
    two = graph.add("ImageBatch", image1=first, image2=other)
    batch = graph.add("ImageBatch", image1=two, image2=blank)
    judged = graph.add("FaceALikeness", generated=batch, references=rest, embedder="tiny")
    grid = graph.add("PreviewImage", images=judged.out(2))
    words = graph.add("PreviewAny", source=judged.out(1))
    report = graph.add("PreviewAny", source=judged.out(3))
    run = client.run(graph)
    (text,) = run.outputs[report.id]["text"]
    one, stranger, nobody = json.loads(text)["pictures"]
    assert one["verdict"] == "same person"
    assert stranger["verdict"] == "somebody else"
    assert one["likeness"] > stranger["likeness"]
    assert nobody["verdict"] == "no face"
    assert nobody["likeness"] is None
    assert "no face" in run.outputs[words.id]["text"]
    assert "1 same person, 1 somebody else, 1 no face" in str(run.of("text", judged.id)[-1].data)
    assert len(run.outputs[grid.id]["images"]) == 1


def test_references_without_a_face_are_refused(client: Client):
    graph = Graph()
    person = graph.add("FaceASamplePhotos", person=4, photos=1, size=128)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    judged = graph.add("FaceALikeness", generated=person, references=blank, embedder="auto")
    graph.add("PreviewImage", images=judged.out(2))
    with pytest.raises(NodeError, match="none of the references shows a face"):
        client.run(graph)


def test_a_grid_has_a_column_per_input_and_a_row_per_picture(client: Client):
    graph = Graph()
    one = graph.add("EmptyImage", width=64, height=96, batch_size=1, color=0x808080)
    three = graph.add("EmptyImage", width=64, height=64, batch_size=3, color=0x204060)
    settings = {"labels": "before, a label that is longer than its column is wide", "side": 128}
    alone = graph.add("FaceACompareGrid", a=one, **settings)
    grid = graph.add("FaceACompareGrid", a=one, b=three, d=three, **settings)
    shown = [graph.add("PreviewImage", images=made) for made in (alone, grid)]
    run = client.run(graph)
    small, large = (client.view(run.outputs[node.id]["images"][0]).size for node in shown)
    assert large[0] == small[0] + 2 * 148
    assert large[1] == small[1] + 2 * 148
