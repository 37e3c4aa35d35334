"""Template 15 with another pack's image adapter where its note says: mask and weight hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from .client import Client
from .graph import Graph, only, train_briefly
from .server import Server


@pytest.fixture
def other_pack(other_host: Server) -> Iterator[Client]:
    """A ComfyUI that has the adapter's node beside this pack."""
    with Client(other_host.url) as client:
        yield client


Painted = Callable[..., tuple[NDArray[Any], dict[str, Any]]]


@pytest.fixture
def painted(other_pack: Client, graphs: Callable[[str], dict[str, Any]]) -> Painted:
    """The template's result and report: as it ships, or with an adapter that has these inputs."""

    def paint(**adapter: Any) -> tuple[NDArray[Any], dict[str, Any]]:
        graph = Graph(graphs("15-image-adapter"))
        train_briefly(graph)
        place, compose = only(graph, "RescaleCFG"), only(graph, "FaceAInpaintCompose")
        report = graph.add("PreviewAny", source=compose.out(4))
        model = graph[place.id]["inputs"]["model"]
        if adapter:
            graph[place.id] = {"class_type": "AdapterStandIn", "inputs": {"model": model}}
            graph[place.id]["inputs"] |= adapter
        outputs = other_pack.run(graph).outputs
        (image,) = outputs[only(graph, "FaceASaveImage").id]["images"]
        said = json.loads(outputs[report.id]["text"][0])
        return np.asarray(other_pack.view(image).convert("RGB")).astype(int), said

    return paint


def found_face(graphs: Callable[[str], dict[str, Any]]) -> list[Any]:
    """The output that the note names for the adapter's mask."""
    for key, node in graphs("15-image-adapter").items():
        if node["_meta"]["title"] == "The left one's face":
            return [key, 1]
    raise AssertionError("the template finds no face")


def test_an_adapter_acts_on_the_face_by_the_mask_of_the_picture(
    painted: Painted, graphs: Callable[[str], dict[str, Any]]
):
    plain, said = painted()
    assert said["cropped"] == []
    masked, said = painted(weight=1.0, attn_mask=found_face(graphs))
    assert np.abs(masked - plain).max() > 10
    assert said["cropped"] == ["an adapter's mask"]
    assert np.array_equal(masked[:, 128:], plain[:, 128:])


def test_weight_0_is_no_adapter(painted: Painted, graphs: Callable[[str], dict[str, Any]]):
    weightless = painted(weight=0.0, attn_mask=found_face(graphs))[0]
    assert np.array_equal(weightless, painted()[0])


def test_more_weight_changes_more(painted: Painted, graphs: Callable[[str], dict[str, Any]]):
    plain, mask = painted()[0], found_face(graphs)
    some, much = (painted(weight=w, attn_mask=mask)[0] for w in (0.05, 1.0))
    assert 0 < np.abs(some - plain).mean() < np.abs(much - plain).mean()
