"""Batches as videos are: equal frames, alpha, several places in one mask."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect
from .graph import Graph


def shown(client: Client, graph: Graph) -> list[np.ndarray]:
    """The pictures that the only preview of a graph shows."""
    (pictures,) = (one["images"] for one in client.run(graph).outputs.values() if "images" in one)
    return [np.asarray(client.view(picture)) for picture in pictures]


@pytest.mark.parametrize(("frame_seed", "equal"), [("same", True), ("next", False)])
def test_equal_frames_are_painted_equal_if_asked(client: Client, frame_seed: str, equal: bool):
    graph = Graph()
    context = graph.add("FaceASamplePhotos", person=3, photos=1, size=128).out(1)
    frames = graph.add("RepeatImageBatch", image=context, amount=3)
    found = detect(graph, frames)
    compose(graph, frames, checkpoint(graph), attributes=found, frame_seed=frame_seed, steps=2)
    first, *others = shown(client, graph)
    assert len(others) == 2
    assert [np.array_equal(first, other) for other in others] == [equal] * 2


def test_another_frame_seed_is_refused(client: Client):
    graph = Graph()
    context = graph.add("FaceASamplePhotos", person=3, photos=1, size=128).out(1)
    compose(
        graph, context, checkpoint(graph), attributes=detect(graph, context), frame_seed="random"
    )
    with pytest.raises(NodeError, match="next, same"):
        client.run(graph)


def two_places(graph: Graph) -> Any:
    mask: Any = graph.add("SolidMask", value=0.0, width=512, height=128)
    for x in (30, 420):
        spot = graph.add("SolidMask", value=1.0, width=40, height=50)
        mask = graph.add("MaskComposite", destination=mask, source=spot, x=x, y=30, operation="add")
    return mask


def test_alpha_is_given_back_and_colours_outside_are_untouched(client: Client):
    graph = Graph()
    colour = graph.add("EmptyImage", width=512, height=128, batch_size=1, color=0x3366CC)
    half = graph.add("SolidMask", value=0.5, width=512, height=128)
    picture = graph.add("JoinImageWithAlpha", image=colour, alpha=half)
    compose(graph, picture, checkpoint(graph), mask=two_places(graph), steps=2, seed=3)
    (made,) = shown(client, graph)
    assert made.shape == (128, 512, 4)
    assert (np.abs(made[:, 200:300].astype(int) - (0x33, 0x66, 0xCC, 127)) <= 1).all()
    assert (made[40:70, 35:65, 3] == 255).all()


def test_each_face_has_its_own_prompt_if_there_are_several(client: Client):
    def painted(prompt: str) -> np.ndarray:
        graph = Graph()
        grey = graph.add("EmptyImage", width=512, height=128, batch_size=1, color=0x808080)
        compose(graph, grey, checkpoint(graph), mask=two_places(graph), prompt=prompt, steps=2)
        (made,) = shown(client, graph)
        return made

    one, other = "a woman with red hair", "a bald man with a beard"
    both = painted(f"{one} [SEP] {other}")
    assert np.array_equal(both[:, :200], painted(one)[:, :200])
    assert np.array_equal(both[:, 300:], painted(other)[:, 300:])
    assert not np.array_equal(both[:, 300:], painted(one)[:, 300:])


def test_places_far_apart_are_painted_each_in_a_crop_of_its_own(client: Client):
    graph = Graph()
    grey = graph.add("EmptyImage", width=512, height=128, batch_size=1, color=0x808080)
    made = compose(graph, grey, checkpoint(graph), mask=two_places(graph), steps=2)
    report = graph.add("PreviewAny", source=made.out(4))
    (picture,) = json.loads(client.run(graph).outputs[report.id]["text"][0])["pictures"]
    left, right = picture["crops"]
    assert left[2] < right[0]
