"""Unusual pictures and masks: most just work; of the others the node says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .client import Client
from .complaints import complaint
from .faces import checkpoint, compose, detect, photos, train
from .graph import Graph, Node

pytestmark = pytest.mark.usefixtures("next_prompt_runs")


def with_a_blank_frame(graph: Graph) -> Node:
    """A batch of three pictures, of which the middle one shows nobody."""
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    one = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    return graph.add(
        "ImageBatch", image1=graph.add("ImageBatch", image1=one, image2=blank), image2=one
    )


def transparent(graph: Graph, images: Any) -> Node:
    """One picture with an alpha channel, a little see-through everywhere."""
    alpha = graph.add("SolidMask", value=0.1, width=128, height=128)
    return graph.add("JoinImageWithAlpha", image=images, alpha=alpha)


def test_a_transparent_picture_is_detected_and_painted_into(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    picture = transparent(graph, samples)
    found = detect(graph, picture)
    compose(graph, picture, checkpoint(graph), attributes=found)
    shown = str(len(graph))
    count = graph.add("PreviewAny", source=found.out(4))
    run = client.run(graph)
    assert run.outputs[count.id]["text"] == ["1"]
    (image,) = run.outputs[shown]["images"]
    # What was transparent is given back.
    assert client.view(image).mode == "RGBA"


def test_a_transparent_picture_is_trained_on(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    picture = transparent(graph, samples)
    trainer = train(graph, picture, detect(graph, picture), checkpoint(graph), steps=2, name="glas")
    assert client.run(graph).outputs[trainer.id]["facea"]


@pytest.mark.parametrize("masks", [2, 4])
def test_a_mask_batch_of_another_length(client: Client, masks: int):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=3, size=128)
    colour = graph.add("EmptyImage", width=128, height=128, batch_size=masks, color=0xFF0000)
    mask = graph.add("ImageToMask", image=colour, channel="red")
    made = compose(graph, samples, checkpoint(graph), mask=mask)
    complaint(client, graph, made, "mask", str(masks), "3")


def test_one_mask_serves_a_whole_batch(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=2, size=128)
    mask = graph.add("SolidMask", value=1.0, width=128, height=128)
    compose(graph, samples, checkpoint(graph), mask=mask, steps=2)
    shown = str(len(graph))
    assert len(client.run(graph).outputs[shown]["images"]) == 2


def test_references_without_a_face(client: Client):
    graph = Graph()
    samples, found = photos(graph, count=1)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    made = compose(
        graph, samples, checkpoint(graph), attributes=found, candidates=2, references=blank
    )
    complaint(client, graph, made, "references", "face")


def test_no_face_in_the_middle_frame_is_an_error_that_names_it(client: Client):
    graph = Graph()
    found = detect(graph, with_a_blank_frame(graph), on_missing="error")
    graph.add("PreviewImage", images=found.out(3))
    complaint(client, graph, found, "face", "2", "Batch Images cuts", "as a list")


@pytest.mark.parametrize("on_missing", ["skip", "pass"])
def test_no_face_in_the_middle_frame_is_let_go(client: Client, on_missing: str):
    graph = Graph()
    found = detect(graph, with_a_blank_frame(graph), on_missing=on_missing)
    graph.add("PreviewImage", images=found.out(3))
    report = graph.add("PreviewAny", source=found.out(5))
    count = graph.add("PreviewAny", source=found.out(4))
    run = client.run(graph)
    assert run.outputs[count.id]["text"] == ["2"]
    assert json.loads(run.outputs[report.id]["text"][0])


@pytest.mark.parametrize("on_missing", ["skip", "pass"])
def test_a_frame_without_a_face_stays_as_it_was(client: Client, on_missing: str):
    graph = Graph()
    pictures = with_a_blank_frame(graph)
    found = detect(graph, pictures, on_missing=on_missing)
    compose(graph, pictures, checkpoint(graph), attributes=found)
    made, *_ = client.run(graph).outputs[str(len(graph))]["images"][1:]
    assert client.view(made).convert("RGB").getcolors() == [(128 * 128, (128, 128, 128))]


def test_training_goes_on_without_the_frame_that_has_no_face(client: Client):
    graph = Graph()
    pictures = with_a_blank_frame(graph)
    found = detect(graph, pictures, on_missing="skip")
    trainer = train(graph, pictures, found, checkpoint(graph), steps=2, name="skipped")
    assert client.run(graph).outputs[trainer.id]["facea"]


def test_a_picture_of_an_odd_size_keeps_it(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    scaled = graph.add(
        "ImageScale", image=samples, upscale_method="area", width=67, height=70, crop="disabled"
    )
    compose(graph, scaled, checkpoint(graph), attributes=detect(graph, scaled))
    (image,) = client.run(graph).outputs[str(len(graph))]["images"]
    assert client.view(image).size == (67, 70)
