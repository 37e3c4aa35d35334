"""Names as other systems and other packs write them, and a VAE of another model."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect, load, outcome, train, training
from .graph import Graph
from .server import Server


def pixels(graph: Graph) -> Any:
    return graph.add("VAELoader", vae_name="pixel_space")


def test_a_vae_of_another_kind_is_called_that(client: Client):
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    found = detect(graph, samples.out(1))
    model, clip, _ = checkpoint(graph)
    compose(graph, samples.out(1), (model, clip, pixels(graph)), attributes=found)
    with pytest.raises(NodeError, match="the wired VAE makes latents"):
        client.run(graph)
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=3, photos=1, size=128)
    model, clip, _ = checkpoint(graph)
    train(graph, samples, detect(graph, samples), (model, clip, pixels(graph)), name="pixels")
    with pytest.raises(NodeError, match="the wired VAE"):
        client.run(graph)


@pytest.fixture(scope="module")
def ada(host: Server) -> str:
    """The file of a person, as ComfyUI lists it."""
    with Client(host.url) as client:
        graph, trainer = training(count=1, name="named", steps=1)
        return outcome(client.run(graph), trainer)["path"]


def loaded(client: Client, file: str) -> None:
    graph = Graph()
    loader = load(graph, checkpoint(graph), file)
    graph.add("PreviewAny", source=loader.out(2))
    client.run(graph)


def test_a_workflow_of_windows_finds_its_person(client: Client, ada: str):
    loaded(client, ada.replace("/", "\\"))


def test_other_capitals_are_answered_with_the_name_that_is_there(client: Client, ada: str):
    with pytest.raises(NodeError, match=f"did you mean '{ada}'"):
        loaded(client, ada.replace("named", "Named"))


NAMES = {"person(v2)": r"person\(v2\)", "with+plus": "with+plus", "o'neil": "o'neil"}


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_are_called_as_comfyui_calls_them(
    client: Client, host: Server, ada: str, name: str
):
    folder = host.base / "models" / "embeddings"
    shutil.copy(next((folder / "named").glob("*.safetensors")), folder / f"{name}.safetensors")

    def painted(prompt: str) -> np.ndarray:
        graph = Graph()
        grey = graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)
        mask = graph.add("SolidMask", value=1.0, width=128, height=128)
        compose(graph, grey, checkpoint(graph), mask=mask, prompt=prompt, steps=2)
        run = client.run(graph)
        assert run.error is None
        (pictures,) = (one["images"] for one in run.outputs.values() if "images" in one)
        return np.asarray(client.view(pictures[0]))

    learned = painted(f"a face of embedding:{NAMES[name]}, smiling")
    assert (learned != painted("a face of , smiling")).any()
    first = next((folder / "named").glob("*.safetensors")).stem
    assert np.array_equal(learned, painted(f"a face of embedding:named/{first}, smiling"))
