"""Which faces are painted: by number, by side, by region, and by SEGS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect
from .graph import Graph, Node


def two_people(graph: Graph) -> Node:
    """One picture of 256x128, a person on either side."""
    left, right = (
        graph.add("FaceASamplePhotos", person=person, photos=1, size=128).out(1)
        for person in (3, 5)
    )
    return graph.add(
        "ImageStitch", image1=left, image2=right, direction="right", match_image_size=True,
        spacing_width=0, spacing_color="white",
    )  # fmt: skip


def half(graph: Graph, side: str) -> Node:
    black = graph.add("SolidMask", value=0.0, width=256, height=128)
    white = graph.add("SolidMask", value=1.0, width=128, height=128)
    return graph.add(
        "MaskComposite", destination=black, source=white, x=128 * (side == "right"), y=0,
        operation="add",
    )  # fmt: skip


def sides(client: Client, graph: Graph, picture: Any, output: int = 0, **settings: Any) -> str:
    """On which side of the picture each crop lies, in the order of the faces: "lr"."""
    found = detect(graph, picture, **{"face_order": "left-to-right", **settings})
    made = compose(graph, picture, checkpoint(graph), attributes=found.out(output), steps=1)
    report = graph.add("PreviewAny", source=made.out(4))
    (said,) = json.loads(client.run(graph).outputs[report.id]["text"][0])["pictures"]
    return "".join("l" if x0 + x1 < 256 else "r" for x0, _, x1, _ in said["crops"])


@pytest.mark.parametrize("output", [0, 6])
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"faces": "0, 1"}, "lr"),
        ({"faces": "1, 0"}, "rl"),
        ({"faces": "1"}, "r"),
        ({"face_index": -1, "face_order": "right-to-left"}, "rl"),
        ({}, "l"),
    ],
)
def test_faces_are_painted_by_number(
    client: Client, output: int, settings: dict[str, Any], expected: str
):
    graph = Graph()
    assert sides(client, graph, two_people(graph), output, **settings) == expected


@pytest.mark.parametrize("side", ["left", "right"])
def test_only_the_region_is_searched(client: Client, side: str):
    graph = Graph()
    picture = two_people(graph)
    settings = {"face_index": -1, "region": half(graph, side)}
    assert sides(client, graph, picture, **settings) == side[0]


def test_a_number_that_is_not_in_the_region_is_an_error(client: Client):
    graph = Graph()
    picture = two_people(graph)
    with pytest.raises(NodeError, match="1 face in the region and number 1"):
        sides(client, graph, picture, faces="1", region=half(graph, "left"))


@pytest.mark.parametrize(("person", "side"), [(3, "l"), (5, "r")])
def test_only_the_face_of_the_person_in_the_references(client: Client, person: int, side: str):
    graph = Graph()
    left, right = (graph.add("FaceASamplePhotos", person=one, photos=1, size=128) for one in (3, 5))
    both = graph.add(
        "ImageStitch", image1=left, image2=right, direction="right", match_image_size=True,
        spacing_width=0, spacing_color="white",
    )  # fmt: skip
    known = graph.add("FaceASamplePhotos", person=person, photos=3, size=128)
    assert sides(client, graph, both, references=known, face_index=-1) == side
