"""What the trainer is given: seeds, settings, names, and lists instead of one."""

from __future__ import annotations

import pytest
import torch

from facea_core.identity import load_identity

from .client import Client, NodeError
from .faces import checkpoint, detect, outcome, train, training
from .graph import Graph
from .server import Server
from .trained import assert_kept, saved


def test_another_seed_is_another_training(client: Client):
    results = {}
    for seed in (1, 2):
        graph, trainer = training(name="seeds", steps=4, seed=seed)
        results[seed] = outcome(client.run(graph), trainer)
    assert results[2]["cached"] is False
    assert results[2]["steps_run"] == 4


def test_a_lora_without_words_is_chosen_in_the_settings(client: Client, host: Server):
    vectors = []
    # By the name of today and the one that saved graphs may have: both outweigh the widget.
    for seed, name in ((1, "embedding_lr"), (2, "words_rate")):
        settings = f'{{"variants": 2, "{name}": 0}}'
        graph, trainer = training(
            name="plain", steps=2, seed=seed, words_rate=0.01, settings=settings
        )
        said = outcome(client.run(graph), trainer)
        assert said["settings"] == "2 steps, batch 1, rank 4, words not learned, LoRA 0.002"
        learned = load_identity(saved(host, "plain")["identity"])
        assert all(weights.up.any() for weights in learned.lora.values())
        vectors.append([vector for word in learned.words for vector in word.vectors.values()])
    # The ordinary words that they begin as, whatever the run draws.
    assert all(torch.equal(*pair) for pair in zip(*vectors, strict=True))


@pytest.mark.parametrize("size", [1, 2])
def test_a_list_of_photos_is_one_person(client: Client, size: int):
    """Three lists of one, or one of two and one of one: all photos in one training."""
    name = f"listed-{size}"
    batch = outcome(client.run(training(name=name, steps=4)[0]), training()[1])
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=3, size=128)
    photos = graph.add("RebatchImages", images=samples, batch_size=size)
    found = detect(graph, photos)
    trainer = train(graph, photos, found, checkpoint(graph), steps=4, name=name)
    paths = graph.add("PreviewAny", source=trainer.out(1))
    client.free()
    run = client.run(graph)
    # Found again: what is learned from the list is what was learned from the batch.
    assert_kept(outcome(run, trainer))
    assert run.outputs[paths.id]["text"] == [batch["path"]]


def test_a_list_of_settings_is_refused(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=2, size=128)
    photos = graph.add("RebatchImages", images=samples, batch_size=1)
    found = detect(graph, photos)
    trainer = train(
        graph, photos, found, checkpoint(graph), steps=2, name="many", settings=found.out(5)
    )
    with pytest.raises(NodeError, match="settings came as a list of 2 different values") as raised:
        client.run(graph)
    assert raised.value.node == trainer.id


def test_a_spoken_name_is_accepted_and_one_photo_is_noted(host: Server, client: Client):
    graph, trainer = training(name="Ada Lovelace", steps=1, count=1)
    said = outcome(client.run(graph), trainer)
    assert said["path"].replace("\\", "/") == "facea/ada-lovelace.safetensors"
    assert "'Ada Lovelace' is saved as ada-lovelace" in said["notes"]
    assert any("learned from 1 photo; three or more" in note for note in said["notes"])
    assert saved(host, "ada-lovelace")["identity"].exists()
