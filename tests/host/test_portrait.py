"""People painted into templates, the best first; those that are not fit come back unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, photos, told, train
from .graph import Graph, Node

QUICK = {
    "prompt": "", "negative_prompt": "", "seed": 1, "steps": 3, "cfg": 0.0,
    "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "context_factor": 1.5,
    "grow": 0.1, "feather": 0.08, "candidates": 1, "second_pass": 0.0, "order": "left-to-right",
}  # fmt: skip


def scene(graph: Graph, *people: int) -> Node:
    """One picture of these people side by side, each 192 pixels wide."""
    one, *others = (
        graph.add("FaceASamplePhotos", person=person, photos=1, size=192) for person in people
    )
    for other in others:
        one = graph.add(
            "ImageStitch", image1=one, image2=other, direction="right", match_image_size=True,
            spacing_width=0, spacing_color="white",
        )  # fmt: skip
    return one


def person(graph: Graph, model: Any, number: int) -> tuple[Node, Node]:
    """Photos of a painted person, and who was learned from them in a few steps."""
    samples, found = photos(graph, person=number)
    name = f"portrait-{number}"
    return samples, train(graph, samples, found, model, name=name, class_noun="person")


def portrait(graph: Graph, templates: Any, model: Any, **more: Any) -> Node:
    wires = dict(zip(("model", "clip", "vae"), model, strict=True))
    return graph.add("FaceATemplatePortrait", templates=templates, **wires, **{**QUICK, **more})


def test_each_person_has_a_face_and_the_unfit_come_last_unchanged(client: Client):
    graph = Graph()
    model = checkpoint(graph)
    people = {"identity": person(graph, model, 3)[1], "identity_2": person(graph, model, 5)[1]}
    templates = graph.add("ImageBatch", image1=scene(graph, 50, 44), image2=scene(graph, 60, 61))
    empty = graph.add("EmptyImage", width=384, height=192, batch_size=1, color=0x334455)
    three = graph.add("ImageBatch", image1=empty, image2=templates)
    node = portrait(graph, three, model, **people)
    pictures, report = told(client, graph, node, node.out(3))
    assert len(pictures) == 3
    assert report["order"] == [2, 3, 1]
    assert report["scores"] == [0, 0, -1]
    assert [len(one["crops"]) for one in report["pictures"]] == [2, 2]
    assert "template 1 is not fit: 0 of 2 faces found" in report["notes"]
    assert (pictures[2] == np.array([0x33, 0x44, 0x55])).all()
    again, _ = told(client, graph, node, node.out(3))
    assert all(np.array_equal(a, b) for a, b in zip(pictures, again, strict=True))


@pytest.mark.parametrize("order", ["left-to-right", "by likeness"])
def test_people_are_seated_by_whom_they_are_like(client: Client, order: str):
    """The two people of the picture are those of the photos, in the other order."""
    graph = Graph()
    model = checkpoint(graph)
    (ada_photos, ada), (ben_photos, ben) = (person(graph, model, n) for n in (3, 5))
    node = portrait(
        graph, scene(graph, 5, 3), model, identity=ada, photos=ada_photos, identity_2=ben,
        photos_2=ben_photos, order=order, candidates=2,
    )  # fmt: skip
    _, report = told(client, graph, node, node.out(3))
    first = report["pictures"][0]["crops"][0]
    assert (first[0] + first[2] > 384) == (order == "by likeness")
    assert -1 <= report["scores"][0] <= 1
    assert len(report["pictures"][0]["candidates"][0]["likeness"]) == 2


def test_what_cannot_be_done_is_said_before_anything_is_painted(client: Client):
    def refused(match: str, templates: tuple[int, ...] = (50, 44), **more: Any) -> None:
        graph = Graph()
        model = checkpoint(graph)
        _, ada = person(graph, model, 3)
        node = portrait(graph, scene(graph, *templates), model, identity=ada, **more)
        graph.add("PreviewImage", images=node)
        with pytest.raises(NodeError, match=match):
            client.run(graph)

    refused("no photos are wired", order="by likeness")
    refused("2 captions for 1 photos", prompts="one\ntwo")
