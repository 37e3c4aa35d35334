"""Conditioning with regions reaches the faces that lie in them, and only those."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose
from .graph import Graph, Node

ONE, OTHER = "a woman with red hair", "a bald man with a beard"
WIDE, HIGH = 512, 128


def region(graph: Graph, x: int, width: int) -> Node:
    mask = graph.add("SolidMask", value=0.0, width=WIDE, height=HIGH)
    spot = graph.add("SolidMask", value=1.0, width=width, height=HIGH)
    return graph.add("MaskComposite", destination=mask, source=spot, x=x, y=0, operation="add")


def places(graph: Graph) -> Any:
    mask: Any = graph.add("SolidMask", value=0.0, width=WIDE, height=HIGH)
    for x in (30, 420):
        spot = graph.add("SolidMask", value=1.0, width=40, height=50)
        mask = graph.add("MaskComposite", destination=mask, source=spot, x=x, y=30, operation="add")
    return mask


def limited(graph: Graph, how: str, wish: Any, x: int, width: int) -> Node:
    """The conditioning of `wish`, for a part of the picture."""
    if how == "mask":
        return graph.add(
            "ConditioningSetMask", conditioning=wish, mask=region(graph, x, width), strength=1.0,
            set_cond_area="default",
        )  # fmt: skip
    if how == "mask bounds":
        return graph.add(
            "ConditioningSetMask", conditioning=wish, mask=region(graph, x, width), strength=1.0,
            set_cond_area="mask bounds",
        )  # fmt: skip
    if how == "area":
        return graph.add(
            "ConditioningSetArea", conditioning=wish, width=width, height=HIGH, x=x, y=0,
            strength=1.0,
        )  # fmt: skip
    return graph.add(
        "ConditioningSetAreaPercentage", conditioning=wish, width=width / WIDE, height=1.0,
        x=x / WIDE, y=0.0, strength=1.0,
    )  # fmt: skip


def painted(client: Client, how: str | None, *wishes: tuple[str, int, int]) -> np.ndarray:
    """The picture with two places repainted; each wish is (prompt, x, width)."""
    graph = Graph()
    model = checkpoint(graph)
    grey = graph.add("EmptyImage", width=WIDE, height=HIGH, batch_size=1, color=0x808080)
    positive: Any = None
    for text, x, width in wishes:
        wish: Any = graph.add("CLIPTextEncode", clip=model[1], text=text)
        wish = limited(graph, how, wish, x, width) if how else wish
        positive = wish if positive is None else graph.add(
            "ConditioningCombine", conditioning_1=positive, conditioning_2=wish
        )  # fmt: skip
    compose(graph, grey, model, mask=places(graph), positive=positive, steps=2)
    (pictures,) = (one["images"] for one in client.run(graph).outputs.values() if "images" in one)
    return np.asarray(client.view(pictures[0])).astype(int)


@pytest.mark.parametrize("how", ["mask", "mask bounds", "area", "percentage"])
def test_each_face_is_painted_by_the_region_that_it_lies_in(client: Client, how: str):
    half = WIDE // 2
    both = painted(client, how, (ONE, 0, half), (OTHER, half, half))
    left, right = painted(client, None, (ONE, 0, 0)), painted(client, None, (OTHER, 0, 0))
    # ComfyUI adds and divides by the weights of the regions: rounding.
    assert np.abs(both[:, :half] - left[:, :half]).max() <= 1
    assert np.abs(both[:, half:] - right[:, half:]).max() <= 1
    assert np.abs(both[:, half:] - left[:, half:]).max() > 20


def test_a_region_smaller_than_the_model_can_paint_alone(client: Client):
    whole = painted(client, None, (ONE, 0, 0))
    narrow = painted(client, "percentage", (ONE, 0, WIDE), (OTHER, 48, 8))
    assert np.abs(narrow[:, 256:] - whole[:, 256:]).max() <= 1


def test_a_face_that_no_region_reaches_is_an_error(client: Client):
    with pytest.raises(NodeError, match="no region of the wired conditioning reaches"):
        painted(client, "area", (ONE, 0, 128))
