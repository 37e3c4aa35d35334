"""Every workflow that ships with the pack, the first one on a ComfyUI that has never run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from facea_core.demo import draw_cast
from facea_core.evaluation import TinyEmbedder, evaluate_identity, face_photo
from facea_core.types import Box

from .client import Client, Run
from .faces import TINY
from .fixtures import WORKFLOWS, Tell
from .graph import LATER, Graph, only, train_briefly
from .server import Server

# Loading half of a model is a line in the log and no error.
COMPLAINTS = ("Traceback", "key not loaded", "NOT LOADED", "unet missing", "does not exist")

# The stock LoraLoader does not know the words that an identity holds beside its LoRA.
HARMLESS = "lora key not loaded: bundle_emb."


def complaints(log: str) -> list[str]:
    """The lines in which ComfyUI says that something went wrong."""
    lines = [line for line in log.splitlines() if any(word in line for word in COMPLAINTS)]
    return [line for line in lines if HARMLESS not in line]


def needs_download(graph: dict[str, Any]) -> list[str]:
    """Model files that a graph names and that neither ship with the pack nor are made by it."""
    values = [value for node in graph.values() for value in node["inputs"].values()]
    files = [v for v in values if isinstance(v, str) and v.endswith((".safetensors", ".ckpt"))]
    return [file for file in files if file != TINY and not file.startswith("facea/")]


NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
FIRST_RUN = next((name for name in NAMES if "first" in name), "first-run")


@pytest.fixture(scope="module")
def fresh(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, on an empty folder."""
    with Server(comfyui, tmp_path_factory.mktemp("fresh") / "base") as server:
        yield server


@pytest.fixture(scope="module")
def first_run(fresh: Server) -> tuple[Run, dict[str, Any], float]:
    """The first-run workflow queued as the first thing ever: run, graph, seconds."""
    graph = json.loads((WORKFLOWS / f"{FIRST_RUN}.json").read_text("utf-8"))
    with Client(fresh.url) as client:
        began = time.monotonic()
        run = client.run(graph, timeout=600)
        return run, graph, time.monotonic() - began


def result(client: Client, run: Run, graph: dict[str, Any]) -> Image.Image:
    """The picture that the graph saved."""
    (image, *_) = run.outputs[only(graph, "FaceASaveImage").id]["images"]
    return client.view(image)


def test_the_first_run_paints_the_person(
    fresh: Server, first_run: tuple[Run, dict[str, Any], float], tell: Tell
):
    run, graph, seconds = first_run
    compose = only(graph, "FaceAInpaintCompose")
    samples = graph[only(graph, "FaceASamplePhotos").id]["inputs"]
    cast = draw_cast(samples["person"], samples["size"])
    plain = Graph(graph)
    loader = only(graph, "CheckpointLoaderSimple")
    # The same picture, seed and mask by the model that never saw the person.
    plain[compose.id] = {
        "class_type": "FaceAInpaintCompose",
        "inputs": {
            **graph[compose.id]["inputs"],
            "model": loader.out(0),
            "clip": loader.out(1),
            "prompt": f"a photo of a {cast.noun}",
        },
    }
    with Client(fresh.url) as client:
        after = result(client, run, graph)
        before = result(client, client.run(plain), plain)
    place = Box(*cast.answer.boxes[0]["face"])
    photos, heldout = (
        [
            face_photo(image[None], Box(*boxes["face"]))
            for image, boxes in zip(painted.image, painted.boxes, strict=True)
        ]
        for painted in (cast.photos, cast.heldout)
    )
    scores = [
        evaluate_identity([face_photo(tensor(made), place)], photos, heldout, TinyEmbedder())
        for made in (before, after)
    ]
    gain = scores[1].heldout - scores[0].heldout
    tell(
        f"first run: {seconds:.0f} s to the finished picture, likeness to photos never trained on "
        f"{scores[0].heldout:.4f} -> {scores[1].heldout:.4f} ({gain:+.4f}), "
        f"{fresh.memory:.0f} MiB"
    )
    assert gain > 0.15


def test_the_first_run_changes_only_the_face(
    fresh: Server, first_run: tuple[Run, dict[str, Any], float]
):
    run, graph, _ = first_run
    samples = graph[only(graph, "FaceASamplePhotos").id]["inputs"]
    context = draw_cast(samples["person"], samples["size"]).context
    with Client(fresh.url) as client:
        after = tensor(result(client, run, graph))
    changed = ((after - context.image).abs() > 1 / 255).any(dim=1)[0]
    x0, y0, x1, y1 = context.boxes[0]["face"]
    assert changed[y0:y1, x0:x1].float().mean() > 0.5
    assert changed.float().mean() < 0.9  # the room for hair counts too
    assert not changed[:, 0].any()


def test_the_first_run_leaves_the_person_among_the_loras(
    fresh: Server, first_run: tuple[Run, dict[str, Any], float]
):
    _, graph, _ = first_run
    name = graph[only(graph, "FaceAEmbeddingTrainer").id]["inputs"]["name"]
    files = fresh.files()
    assert {f"models/loras/facea/{name}.{kind}" for kind in ("safetensors", "jpg")} <= files
    assert any(file.startswith(f"models/embeddings/{name}/") for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_names_what_there_is(
    fresh: Server, graphs: Callable[[str], dict[str, Any]], name: str
):
    """Also those whose models are too large to run here."""
    with Client(fresh.url) as client:
        info = client.object_info()
    for node in graphs(name).values():
        known = info[node["class_type"]]["input_order"]
        given = set(node["inputs"])
        assert set(known["required"]) <= given, node
        later = LATER.get(node["class_type"], set())
        assert given - later <= {*known["required"], *known.get("optional", [])}, node


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_runs(
    fresh: Server,
    first_run: tuple[Run, dict[str, Any], float],
    graphs: Callable[[str], dict[str, Any]],
    tell: Tell,
    name: str,
):
    graph = graphs(name)
    if files := needs_download(graph):
        pytest.skip(f"needs {', '.join(files)}")
    if name != FIRST_RUN:
        train_briefly(graph)
    logged = len(fresh.log)
    with Client(fresh.url) as client:
        began = time.monotonic()
        run = first_run[0] if name == FIRST_RUN else client.run(graph)
        seconds = time.monotonic() - began
        shown = [image for output in run.outputs.values() for image in output.get("images", [])]
        assert shown
        for image in shown:
            colours = np.asarray(client.view(image).convert("RGB"))
            assert colours.std() > 2, f"{image} is one flat colour"
    log = fresh.log if name == FIRST_RUN else fresh.log[logged:]
    assert complaints(log) == []
    if name != FIRST_RUN:
        tell(f"workflow {name}: {seconds:.1f} s")


def tensor(image: Image.Image) -> torch.Tensor:
    """A picture as facea_core takes it."""
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)[None] / 255
