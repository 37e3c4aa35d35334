"""The ControlNet of the miniature by ComfyUI's own nodes: a face follows its part of the hint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .client import Client
from .faces import checkpoint, compose
from .graph import Graph

WIDE, HIGH = 512, 128


def painted(client: Client, strength: float | None, line: int = 50) -> NDArray[Any]:
    """Two places repainted by a hint with a white square, `line` pixels from the left."""
    graph = Graph()
    model = checkpoint(graph)
    grey = graph.add("EmptyImage", width=WIDE, height=HIGH, batch_size=1, color=0x808080)
    black = graph.add("SolidMask", value=0.0, width=WIDE, height=HIGH)
    mask: Any = black
    for x in (30, 420):
        spot = graph.add("SolidMask", value=1.0, width=40, height=50)
        mask = graph.add("MaskComposite", destination=mask, source=spot, x=x, y=30, operation="add")
    positive: Any = graph.add("CLIPTextEncode", clip=model[1], text="a man")
    negative: Any = graph.add("CLIPTextEncode", clip=model[1], text="")
    if strength is not None:
        square = graph.add("SolidMask", value=1.0, width=10, height=10)
        drawn = graph.add(
            "MaskComposite", destination=black, source=square, x=line, y=50, operation="add"
        )
        network = graph.add("ControlNetLoader", control_net_name="facea-tiny-control.safetensors")
        applied = graph.add(
            "ControlNetApplyAdvanced", positive=positive, negative=negative, control_net=network,
            image=graph.add("MaskToImage", mask=drawn), strength=strength, start_percent=0.0,
            end_percent=1.0,
        )  # fmt: skip
        positive, negative = applied, applied.out(1)
    compose(graph, grey, model, mask=mask, positive=positive, negative=negative, steps=2)
    (pictures,) = (one["images"] for one in client.run(graph).outputs.values() if "images" in one)
    return np.asarray(client.view(pictures[0])).astype(int)


def test_the_face_under_the_hint_follows_it_and_the_other_does_not(client: Client):
    one, other = painted(client, 1.0), painted(client, 1.0, 40)
    assert np.abs(one[:, : WIDE // 2] - other[:, : WIDE // 2]).max() > 10
    assert np.array_equal(one[:, WIDE // 2 :], other[:, WIDE // 2 :])


def test_strength_0_is_no_hint(client: Client):
    assert np.array_equal(painted(client, 0.0), painted(client, None))
