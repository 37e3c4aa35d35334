"""Damaged photos repaired by the node: several people, batches, and what cannot be done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, detect, photos, told, train
from .graph import Graph, Node

QUICK = {
    "prompt": "", "strength": 0.0, "fidelity": 0.5, "scale": 1, "negative_prompt": "", "seed": 1,
    "steps": 3, "cfg": 0.0, "sampler_name": "euler", "scheduler": "normal", "context_factor": 1.5,
    "grow": 0.1, "feather": 0.08, "neck": 0.3, "hair": True, "lora_strength": 1.0, "candidates": 1,
    "colour": "keep", "grain": 0.0, "only_worse_than": 1.0, "match": False,
}  # fmt: skip


def worn(graph: Graph, image: Any, times: int = 4) -> Node:
    """The images shrunk, and enlarged again."""
    small = graph.add("ImageScaleBy", image=image, upscale_method="area", scale_by=1 / times)
    return graph.add("ImageScaleBy", image=small, upscale_method="bicubic", scale_by=float(times))


def restored(graph: Graph, photo: Any, model: Any, **more: Any) -> Node:
    wires = dict(zip(("model", "clip", "vae"), model, strict=True))
    return graph.add("FaceARestore", image=photo, **wires, **{**QUICK, **more})


def test_a_batch_comes_back_as_large_as_asked_and_told(client: Client):
    graph = Graph()
    model = checkpoint(graph)
    samples, found = photos(graph, person=3)
    ada = train(graph, samples, found, model, name="worn-3", class_noun="person")
    photo = worn(graph, samples)
    node = restored(
        graph, photo, model, identity=ada, attributes=found, references=samples, scale=2,
        candidates=2, pre_cleaned=samples,
    )  # fmt: skip
    pictures, report = told(client, graph, node, node.out(4))
    assert [one.shape for one in pictures] == [(256, 256, 3)] * 3
    for picture in report["pictures"]:
        (face,) = picture["faces"]
        assert 2 < face["damage"]["scale"] < 9
        assert 0 < face["detail"] < 0.9
        assert 0.15 <= face["strength"] <= 0.9
        assert len(face["likeness"]) == 2
        assert len(picture["candidates"][0]["fits"]) == 2
    again, _ = told(client, graph, node, node.out(4))
    assert all(np.array_equal(a, b) for a, b in zip(pictures, again, strict=True))


def test_who_is_nobody_given_is_left_alone_and_all_are_told(client: Client):
    graph = Graph()
    model = checkpoint(graph)
    samples, found = photos(graph, person=3)
    ada = train(graph, samples, found, model, name="worn-3", class_noun="person")
    one, other = (
        graph.add("FaceASamplePhotos", person=person, photos=1, size=128) for person in (3, 50)
    )
    both = graph.add(
        "ImageStitch", image1=other, image2=one, direction="right", match_image_size=True,
        spacing_width=0, spacing_color="white",
    )  # fmt: skip
    photo = worn(graph, both, 2)
    seen = detect(graph, both, face_index=-1, face_order="left-to-right")
    node = restored(graph, photo, model, identity=ada, attributes=seen, match=True)
    _, report = told(client, graph, node, node.out(4))
    (picture,) = report["pictures"]
    assert len(picture["faces"]) <= 1
    assert sum("face" in note for note in picture["notes"]) >= 2


def test_what_cannot_be_done_is_said(client: Client):
    def refused(match: str, **more: Any) -> None:
        graph = Graph()
        model = checkpoint(graph)
        samples, found = photos(graph, person=3)
        ada = train(graph, samples, found, model, name="worn-3", class_noun="person")
        given = {"attributes": found} if more.pop("searched", True) else {}
        node = restored(graph, worn(graph, samples), model, identity=ada, **given, **more)
        graph.add("PreviewImage", images=node)
        with pytest.raises(NodeError, match=match):
            client.run(graph)

    refused("says where to paint", searched=False)
    refused("colour", colour="blue")
