"""FaceA Train Slider in ComfyUI: a file that ComfyUI's own loaders read, trained once."""

from __future__ import annotations

import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect
from .graph import Graph, Node

PROMPTS = {
    "positive": "a photo of a man with a full beard",
    "negative": "a photo of a man",
    "neutral": "a photo of a man",
}
SMALL = '{"paintings": 2, "levels": 2}'


def painted() -> tuple[Graph, Node]:
    """A slider, loaded into the model that then paints."""
    graph = Graph()
    model = checkpoint(graph)
    slider = graph.add(
        "FaceATrainSlider", model=model[0], clip=model[1], vae=model[2], name="test-beard",
        **PROMPTS, steps=2, guidance=1.0, seed=7, settings=SMALL,
    )  # fmt: skip
    loaded = graph.add(
        "LoraModelLoader", model=model[0], lora=slider.out(0), strength_model=1.5, bypass=False
    )
    photos = graph.add("FaceASamplePhotos", person=50, photos=1, size=128)
    found = detect(graph, photos.out(1), words="custom", custom_words="face")
    wires = (loaded.out(0), model[1], model[2])
    made = compose(graph, photos.out(1), wires, attributes=found, prompt="a photo", steps=2)
    graph.add("PreviewImage", images=made.out(0))
    return graph, slider


def test_a_slider_is_trained_once_and_loaded_as_any_lora(client: Client):
    graph, slider = painted()
    (about,) = client.run(graph).outputs[slider.id]["facea"]
    assert about["steps"] == 2
    loras = client.object_info()["LoraLoader"]["input"]["required"]["lora_name"][0]
    assert about["path"] in loras
    client.free()  # ComfyUI forgets what it ran
    again, other = painted()
    (about,) = client.run(again).outputs[other.id]["facea"]
    assert "loss" not in about


def test_prompts_that_say_the_same_are_refused(client: Client):
    graph, slider = painted()
    graph[slider.id]["inputs"]["positive"] = PROMPTS["negative"]
    with pytest.raises(NodeError, match="say the same") as caught:
        client.run(graph)
    assert caught.value.node == slider.id
