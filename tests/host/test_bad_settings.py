"""Settings, choices and names that are none: the node says which, and what there is."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Client
from .complaints import complaint
from .faces import checkpoint, compose, detect, photos, train, training
from .graph import Graph
from .server import Server

pytestmark = pytest.mark.usefixtures("next_prompt_runs")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": '{"stepz": 3}'}, ("stepz", "steps")),
        ({"settings": "rank: 4"}, ("settings", "JSON")),
        ({"settings": '{"decay": "exponential"}'}, ("decay", "cosine")),
        ({"name": "Ada/Lovelace"}, ("Ada/Lovelace", "ada-lovelace")),
        ({"name": " "}, ("give the person a name",)),
        ({"class_noun": " "}, ("class noun",)),
    ],
)
def test_a_setting_of_the_trainer(client: Client, change: dict[str, Any], words: tuple[str, ...]):
    graph = Graph()
    samples, found = photos(graph)
    trainer = train(graph, samples, found, checkpoint(graph), **change)
    complaint(client, graph, trainer, *words)


@pytest.mark.parametrize(
    ("setting", "value", "near"),
    [
        ("sampler_name", "res_2s", "seeds_2"),
        ("sampler_name", "DPM++ 2M", "dpm"),
        ("sampler_name", "", ""),
        ("sampler_name", "../x", ""),
        ("scheduler", "beta57", "beta"),
        ("scheduler", "Karras", "karras"),
    ],
)
def test_a_sampler_that_is_not_installed(client: Client, setting: str, value: str, near: str):
    """ComfyUI would take its first one and say nothing."""
    graph = Graph()
    samples, found = photos(graph, count=1)
    made = compose(graph, samples, checkpoint(graph), attributes=found, **{setting: value})
    complaint(client, graph, made, f"{setting} {value!r}", "the nearest is", near)


def test_every_sampler_of_the_host_can_be_chosen(client: Client):
    """What the node lists and what it takes is one thing."""
    offered = client.object_info()["FaceAInpaintCompose"]["input"]["required"]
    stock = client.object_info()["KSampler"]["input"]["required"]
    for setting in ("sampler_name", "scheduler"):
        assert offered[setting][1]["options"] == stock[setting][0]


@pytest.mark.parametrize("detector", ["tiny", "auto"])
def test_weights_that_are_not_there(client: Client, detector: str):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    found = detect(graph, samples, detector=detector, detector_model="gone.pth")
    graph.add("PreviewImage", images=found.out(3))
    complaint(client, graph, found, "detector_model 'gone.pth'", "the nearest is")


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("FaceAAttributeDetect", "detector"),
        ("FaceAAttributeDetect", "words"),
        ("FaceAAttributeDetect", "face_order"),
        ("FaceAAttributeDetect", "on_missing"),
        ("FaceAPhotoAudit", "policy"),
        ("FaceAPhotoAudit", "embedder"),
        ("FaceAEmbeddingTrainer", "preset"),
    ],
)
def test_a_choice_that_is_none(client: Client, kind: str, setting: str):
    """The host checks no choice of a node of ours: each must be refused by the node itself."""
    graph = Graph()
    samples, found = photos(graph, count=1)
    if kind == "FaceAPhotoAudit":
        node = graph.add(
            kind, images=samples, attributes=found, policy="warn", resolution=128, crop_size=96,
            embedder="auto", limits="",
        )  # fmt: skip
    elif kind == "FaceAEmbeddingTrainer":
        node = train(graph, samples, found, checkpoint(graph))
    else:
        node = found
    graph[node.id]["inputs"][setting] = "somewhat"
    graph.add("PreviewAny", source=node)
    complaint(client, graph, node, "somewhat")


@pytest.mark.parametrize("words", ["", "eyes, wings"])
def test_words_that_name_no_attribute(client: Client, words: str):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    found = detect(graph, samples, words="custom", custom_words=words)
    graph.add("PreviewImage", images=found.out(3))
    complaint(client, graph, found, *(word for word in words.split(", ") if word == "wings"))


def test_an_embedding_of_the_user_stops_the_training_before_it_begins(client: Client, host: Server):
    mine = host.base / "models" / "embeddings" / "mine" / "eyes.safetensors"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"a user's own")
    graph, trainer = training(count=1, name="mine", steps=2)
    complaint(client, graph, trainer, "mine/eyes.safetensors", "in the way", "save_words")
    assert mine.read_bytes() == b"a user's own"
    assert not (host.base / "models" / "loras" / "facea" / "mine.safetensors").exists()


def test_a_name_that_no_file_can_have_is_refused_before_the_model_is_copied(client: Client):
    for name in ("x" * 65, "con", "Ада"):
        graph, trainer = training(count=1, name=name, steps=2)
        complaint(client, graph, trainer, "identity name", name[:20])
