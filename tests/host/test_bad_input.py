"""What people do by mistake: the node says in a sentence what is wrong, and the next prompt runs.

What is merely unusual (transparency, odd sizes, a picture without a face among others) just works.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from facea_core.identity import save_identity
from facea_core.identity.adapters import RETIRED
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

from .client import Client, NodeError, QueueError
from .faces import checkpoint, compose, detect, load, photos, train, training
from .graph import Graph, Node
from .server import Server


@pytest.fixture(autouse=True)
def next_prompt_runs(client: Client) -> Iterator[None]:
    """After each test of this file ComfyUI must still work."""
    yield
    graph = Graph()
    shown = graph.add("PreviewImage", images=photos(graph, person=8, count=1)[1].out(3))
    assert client.run(graph).outputs[shown.id]["images"]


def complaint(client: Client, graph: Graph, node: Node, *words: str) -> str:
    """Runs a graph that must fail at `node` with one readable message that holds the words."""
    with pytest.raises(NodeError) as raised:
        client.run(graph)
    error, message = raised.value, str(raised.value)
    assert error.node == node.id, f"{error.node_type} failed: {message}"
    assert error.kind.rpartition(".")[2] not in ("RuntimeError", "KeyError", "TypeError"), message
    assert len(message.splitlines()) <= 3
    assert 20 < len(message) < 500
    for word in ("Traceback", "object at 0x", "tensor("):
        assert word not in message
    for word in words:
        assert word in message, message
    return message


def with_a_blank_frame(graph: Graph) -> Node:
    """A batch of three pictures, of which the middle one shows nobody."""
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    one = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    return graph.add(
        "ImageBatch", image1=graph.add("ImageBatch", image1=one, image2=blank), image2=one
    )


def transparent(graph: Graph, images: Any) -> Node:
    """One picture with an alpha channel, a little see-through everywhere."""
    alpha = graph.add("SolidMask", value=0.1, width=128, height=128)
    return graph.add("JoinImageWithAlpha", image=images, alpha=alpha)


def save_stranger(
    host: Server, family: str, width: int, name: str, backbone: str = "0" * 16
) -> str:
    """A small identity of a model family; returns its name as the loader lists it."""
    meta = IdentityMeta(family, backbone, "man", f"a photo of embedding:{name}/eyes", 1, 0, 4)
    layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    lora = {layer: LoraWeights(torch.zeros(4, width), torch.zeros(width, 4), 4.0)}
    word = Word(f"{name}/eyes", "eyes", "eyes", {"clip_l": torch.zeros(1, width)})
    path = host.base / "models" / "loras" / "facea" / f"{name}.safetensors"
    save_identity(Identity(name, (word,), lora, meta), path)
    return f"facea/{path.name}"


def test_a_transparent_picture_is_detected_and_painted_into(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    picture = transparent(graph, samples)
    found = detect(graph, picture)
    compose(graph, picture, checkpoint(graph), attributes=found)
    shown = str(len(graph))
    count = graph.add("PreviewAny", source=found.out(4))
    run = client.run(graph)
    assert run.outputs[count.id]["text"] == ["1"]
    (image,) = run.outputs[shown]["images"]
    # What was transparent is given back.
    assert client.view(image).mode == "RGBA"


def test_a_transparent_picture_is_trained_on(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    picture = transparent(graph, samples)
    trainer = train(graph, picture, detect(graph, picture), checkpoint(graph), steps=2, name="glas")
    assert client.run(graph).outputs[trainer.id]["facea"]


@pytest.mark.parametrize("masks", [2, 4])
def test_a_mask_batch_of_another_length(client: Client, masks: int):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=3, size=128)
    colour = graph.add("EmptyImage", width=128, height=128, batch_size=masks, color=0xFF0000)
    mask = graph.add("ImageToMask", image=colour, channel="red")
    made = compose(graph, samples, checkpoint(graph), mask=mask)
    complaint(client, graph, made, "mask", str(masks), "3")


def test_one_mask_serves_a_whole_batch(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=2, size=128)
    mask = graph.add("SolidMask", value=1.0, width=128, height=128)
    compose(graph, samples, checkpoint(graph), mask=mask, steps=2)
    shown = str(len(graph))
    assert len(client.run(graph).outputs[shown]["images"]) == 2


def test_references_without_a_face(client: Client):
    graph = Graph()
    samples, found = photos(graph, count=1)
    blank = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
    made = compose(
        graph, samples, checkpoint(graph), attributes=found, candidates=2, references=blank
    )
    complaint(client, graph, made, "references", "face")


def test_no_face_in_the_middle_frame_is_an_error_that_names_it(client: Client):
    graph = Graph()
    found = detect(graph, with_a_blank_frame(graph), on_missing="error")
    graph.add("PreviewImage", images=found.out(3))
    complaint(client, graph, found, "face", "2", "Batch Images cuts", "as a list")


@pytest.mark.parametrize("on_missing", ["skip", "pass"])
def test_no_face_in_the_middle_frame_is_let_go(client: Client, on_missing: str):
    graph = Graph()
    found = detect(graph, with_a_blank_frame(graph), on_missing=on_missing)
    graph.add("PreviewImage", images=found.out(3))
    report = graph.add("PreviewAny", source=found.out(5))
    count = graph.add("PreviewAny", source=found.out(4))
    run = client.run(graph)
    assert run.outputs[count.id]["text"] == ["2"]
    assert json.loads(run.outputs[report.id]["text"][0])


@pytest.mark.parametrize("on_missing", ["skip", "pass"])
def test_a_frame_without_a_face_stays_as_it_was(client: Client, on_missing: str):
    graph = Graph()
    pictures = with_a_blank_frame(graph)
    found = detect(graph, pictures, on_missing=on_missing)
    compose(graph, pictures, checkpoint(graph), attributes=found)
    made, *_ = client.run(graph).outputs[str(len(graph))]["images"][1:]
    assert client.view(made).convert("RGB").getcolors() == [(128 * 128, (128, 128, 128))]


def test_training_goes_on_without_the_frame_that_has_no_face(client: Client):
    graph = Graph()
    pictures = with_a_blank_frame(graph)
    found = detect(graph, pictures, on_missing="skip")
    trainer = train(graph, pictures, found, checkpoint(graph), steps=2, name="skipped")
    assert client.run(graph).outputs[trainer.id]["facea"]


def test_a_picture_of_an_odd_size_keeps_it(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    scaled = graph.add(
        "ImageScale", image=samples, upscale_method="area", width=67, height=70, crop="disabled"
    )
    compose(graph, scaled, checkpoint(graph), attributes=detect(graph, scaled))
    (image,) = client.run(graph).outputs[str(len(graph))]["images"]
    assert client.view(image).size == (67, 70)


def test_a_person_of_another_family(client: Client, host: Server):
    file = save_stranger(host, "sd15", 768, "stranger")
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "sd15", "facea-tiny")


def test_a_person_of_weights_that_are_gone(client: Client, host: Server):
    file = save_stranger(host, "facea-tiny", 128, "earlier", backbone=min(RETIRED))
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "earlier weights", min(RETIRED), "train the person again")


def refusal(client: Client, graph: Graph, node: Node, file: str, *words: str) -> None:
    """A file that is not in the node's list: refused when queued (from v0.8.0 on), or by it."""
    with pytest.raises((NodeError, QueueError), match=file) as raised:
        client.run(graph)
    if raised.type is NodeError:
        complaint(client, graph, node, file, *words)


def test_a_damaged_person_file(client: Client, host: Server):
    file = save_stranger(host, "facea-tiny", 32, "damaged")
    path = host.base / "models" / "loras" / file
    path.write_bytes(path.read_bytes()[:-100])
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    refusal(client, graph, loader, "damaged.safetensors")


def test_a_person_file_that_is_not_there(client: Client):
    graph = Graph()
    loader = load(graph, checkpoint(graph), "facea/nobody.safetensors")
    graph.add("PreviewAny", source=loader.out(2))
    refusal(client, graph, loader, "facea/nobody.safetensors", "loras")


def test_no_person_at_all(client: Client):
    graph = Graph()
    loader = load(graph, checkpoint(graph), "none")
    graph.add("PreviewAny", source=loader.out(2))
    complaint(client, graph, loader, "file", "identity")


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
