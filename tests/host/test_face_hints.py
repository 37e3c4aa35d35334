"""Hints for a ControlNet, drawn inside ComfyUI."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import detect, shown
from .graph import Graph, Node

WORDS = "face, hair, eyebrows, eyes, nose, mouth"
PLAIN = {"kind": "lines", "blend": 0.0, "head": "erased", "hair": False, "faces": ""}


def sample(graph: Graph, person: int, photos: int = 1) -> Node:
    return graph.add("FaceASamplePhotos", person=person, photos=photos, size=128)


def searched(graph: Graph, images: Any, **more: Any) -> Node:
    given = {"words": "custom", "custom_words": WORDS, "on_missing": "pass", **more}
    return detect(graph, images, **given)


def hints(graph: Graph, image: Any, found: Any, **more: Any) -> Node:
    return graph.add("FaceAFaceHints", image=image, attributes=found, **{**PLAIN, **more})


@pytest.mark.parametrize("kind", ["keypoints", "openpose", "lines", "edges", "lines and edges"])
def test_every_kind_is_drawn_as_large_as_the_image(client: Client, kind: str):
    graph = Graph()
    scene = sample(graph, 3)
    drawn = hints(graph, scene.out(1), searched(graph, scene.out(1)), kind=kind)
    ((image,), (hint,)) = shown(client, graph, scene.out(1), drawn)
    assert hint.shape == image.shape
    assert hint.max() == 255
    assert (hint == 0).mean() > 0.7
    assert (hint[..., 0] != hint[..., 1]).any() == (kind == "keypoints")


def test_a_batch_with_a_picture_without_a_face_keeps_its_length_and_says_so(client: Client):
    graph = Graph()
    photos = sample(graph, 3, photos=2)
    empty = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0)
    three = graph.add("ImageBatch", image1=photos, image2=empty)
    drawn = hints(graph, three, searched(graph, three))
    mask = graph.add("MaskToImage", mask=drawn.out(1))
    report = graph.add("PreviewAny", source=drawn.out(2))
    looks = [graph.add("PreviewImage", images=one) for one in (drawn, mask)]
    run = client.run(graph)
    said = json.loads(run.outputs[report.id]["text"][0])
    assert [len(one["faces"]) for one in said["pictures"]] == [1, 1, 0]
    assert said["notes"] == ["picture 3: no face was found, so its hint is black"]
    for look in looks:
        pictures = [client.view(one).convert("L") for one in run.outputs[look.id]["images"]]
        assert [one.getextrema()[1] > 0 for one in pictures] == [True, True, False]


@pytest.mark.parametrize("kind", ["keypoints", "lines"])
def test_the_face_takes_the_shape_of_a_person(client: Client, kind: str):
    graph = Graph()
    scene, person = sample(graph, 3), sample(graph, 19, photos=2)
    found, known = searched(graph, scene.out(1)), searched(graph, person)
    wires = {"photo_attributes": known, "photos": person}
    own = hints(graph, scene.out(1), found, kind=kind, **wires)
    plain = hints(graph, scene.out(1), found, kind=kind)
    half = hints(graph, scene.out(1), found, kind=kind, blend=0.5, **wires)
    other = hints(graph, scene.out(1), found, kind=kind, blend=1.0, **wires)
    pictures = [some[0] for some in shown(client, graph, own, plain, half, other)]
    assert np.array_equal(pictures[0], pictures[1])
    assert len({one.tobytes() for one in pictures}) == 3


def test_two_faces_are_both_drawn_or_those_that_are_named(client: Client):
    graph = Graph()
    one, other = (sample(graph, person).out(1) for person in (50, 44))
    both = graph.add(
        "ImageStitch", image1=one, image2=other, direction="right", match_image_size=True,
        spacing_width=0, spacing_color="white",
    )  # fmt: skip
    found = searched(graph, both, face_index=-1, face_order="left-to-right")
    drawn, first = (hints(graph, both, found, faces=faces) for faces in ("", "0"))
    ((all_of_them,), (left,)) = shown(client, graph, drawn, first)
    assert all_of_them[:, :128].max() == all_of_them[:, 128:].max() == 255
    assert left[:, :110].max() == 255
    assert left[:, 150:].max() == 0


def test_a_list_of_photos_is_one_person(client: Client):
    graph = Graph()
    scene, person = sample(graph, 3), sample(graph, 19, photos=2)
    found = searched(graph, scene.out(1))
    one_by_one = graph.add("RebatchImages", images=person, batch_size=1)
    wires = [
        {"photo_attributes": searched(graph, photos), "photos": photos}
        for photos in (person, one_by_one)
    ]
    drawn = [hints(graph, scene.out(1), found, kind="openpose", blend=1.0, **w) for w in wires]
    (batch, listed) = shown(client, graph, *drawn)
    assert len(batch) == len(listed) == 1
    assert np.array_equal(batch[0], listed[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blend": 0.5}, "no face of a person to blend with"),
        ({"kind": "squares"}, "squares"),
        ({"faces": "first"}, "first"),
        ({"kind": "openpose", "blend": 1.0, "photo_attributes": True}, "wire photos"),
    ],
)
def test_what_cannot_be_drawn_is_refused(client: Client, change: dict[str, Any], words: str):
    graph = Graph()
    scene = sample(graph, 3)
    found = searched(graph, scene.out(1))
    change = {name: found if value is True else value for name, value in change.items()}
    drawn = hints(graph, scene.out(1), found, **change)
    graph.add("PreviewImage", images=drawn)
    with pytest.raises(NodeError, match=words) as caught:
        client.run(graph)
    assert caught.value.node == drawn.id


def test_faces_of_other_pictures_are_refused(client: Client):
    graph = Graph()
    scene, photos = sample(graph, 3), sample(graph, 3, photos=2)
    drawn = hints(graph, scene.out(1), searched(graph, photos))
    graph.add("PreviewImage", images=drawn)
    with pytest.raises(NodeError, match="1 pictures, and faces were searched in 2"):
        client.run(graph)
