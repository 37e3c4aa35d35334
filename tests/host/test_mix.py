"""People mixed, by parts and as a blend, in a real ComfyUI."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect, load, train
from .graph import Graph, Node


def mixed(how: str, save_as: str = "") -> tuple[Graph, Node, Any, Node]:
    """A graph that learns ada and eve and mixes them: (graph, mix, model, their pictures)."""
    graph = Graph()
    model, people = checkpoint(graph), []
    for person, name in ((50, "ada"), (44, "eve")):
        photos = graph.add("FaceASamplePhotos", person=person, photos=1, size=128)
        people.append(train(graph, photos, detect(graph, photos), model, steps=1, name=name))
    mix = graph.add(
        "FaceAMixPeople", identity=people[0], identity_2=people[1], how=how, save_as=save_as
    )
    return graph, mix, model, photos


def test_parts_of_one_are_painted_into_the_head_of_another(client: Client):
    graph, mix, model, photos = mixed("eyes: ada, rest: eve")
    found = detect(graph, photos.out(1), words="custom", custom_words="eyes, mouth")
    made = compose(graph, photos.out(1), model, attributes=found, identity=mix, prompt="", steps=2)
    report = graph.add("PreviewAny", source=made.out(4))
    told = graph.add("FaceAIdentityInfo", identity=mix, file="none")
    run = client.run(graph)
    crops = json.loads(run.outputs[report.id]["text"][0])["pictures"][0]["crops"]
    assert len(crops) == 2
    assert run.outputs[told.id]["facea"][0]["parts"] == {"eyes": "ada"}
    assert "eyes of ada, the rest of eve" in str(run.of("text", mix.id)[-1].data)


def test_a_blend_is_saved_and_loaded_like_anybody(client: Client):
    graph, mix, model, photos = mixed("ada: 1, eve: 3", "dora")
    loaded = load(graph, model, identity=mix)
    found = detect(graph, photos.out(1))
    wires = (loaded, loaded.out(1), model[2])
    compose(graph, photos.out(1), wires, prompt=loaded.out(2), attributes=found, steps=1)
    report = graph.add("PreviewAny", source=mix.out(1))
    said = json.loads(client.run(graph).outputs[report.id]["text"][0])
    assert said["mixed_from"] == {"ada": 0.25, "eve": 0.75}
    options = client.object_info()["FaceALoRALoader"]["input"]["required"]["file"][1]["options"]
    assert said["path"] in options


@pytest.mark.parametrize(
    ("how", "save_as", "said"),
    [
        ("eyes: ben, rest: ada", "", r"'ben', who is not given \(given: ada, eve\)"),
        ("eyes: ada", "", "whose the rest is"),
        ("", "", "how is empty"),
        ("eyes: ada, rest: eve", "dora", "mix by parts"),
    ],
)
def test_a_text_that_says_nothing_stops_with_a_reason(
    client: Client, how: str, save_as: str, said: str
):
    graph, mix, *_ = mixed(how, save_as)
    graph.add("PreviewAny", source=mix.out(1))
    with pytest.raises(NodeError, match=said):
        client.run(graph)


def test_a_mix_by_parts_is_no_lora(client: Client):
    graph, mix, model, _ = mixed("eyes: ada, rest: eve")
    loaded = load(graph, model, identity=mix)
    graph.add("PreviewAny", source=loaded.out(2))
    with pytest.raises(NodeError, match="which only composing can paint"):
        client.run(graph)


def test_a_mix_by_parts_is_not_edited(client: Client):
    graph, mix, model, photos = mixed("eyes: ada, rest: eve")
    made = graph.add(
        "FaceAEdit", image=photos.out(1), model=model[0], clip=model[1], vae=model[2],
        edit="smiling", attributes=detect(graph, photos.out(1)).out(0), identity=mix.out(0),
        parts="", amount=1.0, handover=150, negative_prompt="", seed=0, steps=2, cfg=0.0,
        sampler_name="euler", scheduler="normal", denoise=1.0, context_factor=1.5, grow=0.1,
        feather=0.08, colour_match=1.0, lora_strength=1.0, frame_seed="next",
    )  # fmt: skip
    graph.add("PreviewImage", images=made.out(0))
    with pytest.raises(NodeError, match="mix by parts"):
        client.run(graph)
