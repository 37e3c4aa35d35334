"""FaceA Attribute Detect in ComfyUI: Grounding-DINO's files, own masks, batches with no face."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ..unit.grounding import save_small
from .client import Client, NodeError
from .faces import detect
from .graph import Graph, Node
from .server import Server

NAME = "grounding-dino-small"


@pytest.fixture
def weights(host: Server) -> Iterator[Path]:
    """A small Grounding-DINO with random weights where ComfyUI's users keep theirs."""
    folder = host.base / "models" / "grounding-dino"
    yield save_small(folder / NAME)
    shutil.rmtree(folder)


def report(client: Client, graph: Graph, found: Node) -> dict[str, Any]:
    """Runs the graph and returns what the detector says."""
    shown = graph.add("PreviewAny", source=found.out(5))
    said = client.run(graph).outputs[shown.id]["text"]
    return json.loads(said[0] if isinstance(said, list) else said)


def models(client: Client) -> list[str]:
    node = client.object_info()["FaceAAttributeDetect"]
    return node["input"]["optional"]["detector_model"][1]["options"]


def test_weights_in_the_model_folder_are_listed_and_used(client: Client, weights: Path):
    assert models(client)[:2] == ["auto", NAME]
    for model in ("auto", NAME):
        graph = Graph()
        image = graph.add("FaceASamplePhotos", person=3, photos=1, size=64)
        found = detect(
            graph, image, detector="grounding-dino", detector_model=model, face_threshold=0.0,
            part_threshold=0.0, on_missing="pass",
        )  # fmt: skip
        (faces,) = report(client, graph, found)["pictures"]
        # Random weights see something somewhere; that they were asked is what matters here.
        assert faces[0]["detector"] in ("grounding-dino", "")


def test_without_weights_the_node_says_where_to_put_them(client: Client, host: Server):
    assert models(client) == ["auto", "download swint (694 MB)", "download swinb (938 MB)"]
    graph = Graph()
    image = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    graph.add("PreviewImage", images=detect(graph, image, detector="grounding-dino").out(3))
    with pytest.raises(NodeError) as raised:
        client.run(graph)
    assert str(host.base / "models" / "grounding-dino") in str(raised.value)
    assert "groundingdino_swint_ogc.pth" in str(raised.value)


def test_damaged_weights_are_a_sentence_and_the_next_prompt_runs(client: Client, weights: Path):
    state = load_file(weights / "model.safetensors")
    file = weights.parent / "groundingdino_broken.pth"
    torch.save({"model": state}, file)
    file.write_bytes(file.read_bytes()[:5000])
    graph = Graph()
    image = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    found = detect(graph, image, detector="grounding-dino", detector_model=file.name)
    graph.add("PreviewImage", images=found.out(3))
    with pytest.raises(NodeError, match=file.name):
        client.run(graph)
    good = Graph()
    image = good.add("FaceASamplePhotos", person=3, photos=1, size=128)
    assert report(client, good, detect(good, image))["pictures"][0]


def test_an_own_mask_outweighs_what_was_found(client: Client):
    graph = Graph()
    image = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    black = graph.add("SolidMask", value=0.0, width=128, height=128)
    white = graph.add("SolidMask", value=1.0, width=20, height=10)
    mask = graph.add("MaskComposite", destination=black, source=white, x=30, y=90, operation="add")
    found = detect(graph, image, own_mask_of="mouth", own_masks=mask)
    (faces,) = report(client, graph, found)["pictures"]
    assert faces[0]["parts"]["mouth"]["box"] == [30, 90, 50, 100]


@pytest.mark.parametrize("policy", ["skip", "pass", "estimate"])
def test_a_batch_with_faceless_frames_comes_back_whole(client: Client, policy: str):
    """Eight pictures, three of them of nobody: eight of everything."""
    graph = Graph()
    people = graph.add("FaceASamplePhotos", person=3, photos=5, size=128)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=3, color=0x808080)
    batch = graph.add("ImageBatch", image1=people, image2=blank)
    found = detect(graph, batch, on_missing=policy)
    masks = graph.add("PreviewImage", images=graph.add("MaskToImage", mask=found.out(1)))
    parts = graph.add("PreviewImage", images=graph.add("MaskToImage", mask=found.out(2)))
    shown = graph.add("PreviewImage", images=found.out(3))
    said = graph.add("PreviewAny", source=found.out(5))
    run = client.run(graph)
    outputs = run.outputs
    assert len(outputs[masks.id]["images"]) == 8
    drawn = [
        client.view(image).convert("L").getextrema()[1] for image in outputs[masks.id]["images"]
    ]
    assert [most > 0 for most in drawn] == [True] * 5 + [False] * 3
    assert (
        "3 of 8 pictures without a face to go on with: 6, 7, 8"
        in run.of("text", found.id)[-1].data["text"]
    )
    assert len(outputs[parts.id]["images"]) == 24
    assert len(outputs[shown.id]["images"]) == 8
    text = outputs[said.id]["text"]
    pictures = json.loads(text[0] if isinstance(text, list) else text)["pictures"]
    assert len(pictures) == 8
    assert [bool(faces) for faces in pictures] == [True] * 5 + [policy != "skip"] * 3
