"""Absurd values, one kind after the other, at a server under a limit of memory.

After each a stock prompt must finish, and what a node says must be one of FaceA's own refusals.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from facea_core import errors

from .client import Client, NodeError, QueueError
from .faces import checkpoint, compose, detect, load, photos, train
from .graph import Graph
from .server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

LIMIT = 6 * 10**9
NAN = "NaN"  # which ComfyUI reads as a float
LONG = "x" * 2_000_000
REFUSALS = {name for name, one in vars(errors).items() if isinstance(one, type)}


@pytest.fixture(scope="module")
def limited(other_host: Server) -> Iterator[Server]:
    import psutil

    assert other_host.pid is not None
    process = psutil.Process(other_host.pid)
    before = process.rlimit(psutil.RLIMIT_DATA)
    process.rlimit(psutil.RLIMIT_DATA, (LIMIT, before[1]))
    yield other_host
    if other_host.alive:
        process.rlimit(psutil.RLIMIT_DATA, before)
    else:
        other_host.restart()


def training(**changes: Any) -> Callable[[Graph], object]:
    def build(graph: Graph) -> None:
        samples, found = photos(graph, count=1)
        changed = {"steps": 1, "save_words": False, **changes}
        train(graph, samples, found, checkpoint(graph), **changed)

    return build


def settings(**values: Any) -> Callable[[Graph], object]:
    return training(settings=json.dumps({"variants": 1, **values}))


def composing(**changes: Any) -> Callable[[Graph], object]:
    def build(graph: Graph) -> None:
        samples, found = photos(graph, count=1)
        compose(graph, samples, checkpoint(graph), attributes=found, **changes)

    return build


def detecting(width: int = 128, height: int = 128, **changes: Any) -> Callable[[Graph], object]:
    def build(graph: Graph) -> None:
        image = graph.add("EmptyImage", width=width, height=height, batch_size=1, color=0x808080)
        graph.add("PreviewAny", source=detect(graph, image, **changes).out(4))

    return build


def loading(**changes: Any) -> Callable[[Graph], object]:
    def build(graph: Graph) -> None:
        samples, found = photos(graph, count=1)
        model = checkpoint(graph)
        trainer = train(graph, samples, found, model, steps=1, name="mild", save_words=False)
        loaded = load(graph, model, identity=trainer, **changes)
        graph.add("PreviewAny", source=loaded.out(2))

    return build


KINDS: dict[str, Callable[[Graph], object]] = {
    "a resolution of one latent pixel": settings(resolution=8),
    "a resolution above the machine": settings(resolution=4096),
    "deep settings": training(settings='{"a":' * 10_000),
    "long settings": training(settings=LONG),
    "an unknown setting": settings(**{"x" * 50_000: 1}),
    "a width in a prompt": settings(global_prompt="{words:>999999999}"),
    "a conversion in a prompt": settings(local_prompt="{words!z}"),
    "a setting of another type": settings(flip="maybe", steps="1"),
    "a setting that is no number": training(settings='{"context": NaN}'),
    "a long class noun": training(class_noun=LONG),
    "half a character": training(class_noun="\ud800"),
    "a name that leads elsewhere": training(name="../../x"),
    "words without end": detecting(words="custom", custom_words="eyes," * 400_000),
    "an unknown word": detecting(words="custom", custom_words=LONG),
    "a long and narrow picture": detecting(16384, 16, on_missing="pass"),
    "a threshold that is no number": detecting(face_threshold=NAN),
    "a prompt of two million letters": composing(prompt="word " * 400_000),
    "hair maybe": composing(hair="maybe"),
    "cfg that is no number": composing(cfg=NAN),
    "denoise that is no number": composing(denoise=NAN),
    "a strength that is no number": composing(lora_strength=NAN),
    "an identity that is none": composing(identity={"name": "x"}),
    "a loader's strength that is no number": loading(lora_strength=NAN),
    "a word's strength that is no number": loading(words_strength=NAN),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_refuses_and_goes_on(limited: Server, kind: str):
    graph = Graph()
    KINDS[kind](graph)
    with Client(limited.url) as client:
        said, refused_by = outcome(client, graph)
        assert refused_by in {*REFUSALS, ""}, f"{refused_by}: {said[:300]}"
        assert len(said) < 600
        stock = Graph()
        empty = stock.add("EmptyImage", width=8, height=8, batch_size=1, color=0)
        shown = stock.add("PreviewImage", images=empty)
        assert client.run(stock, timeout=300).outputs[shown.id]["images"]
    assert limited.alive


def outcome(client: Client, graph: Graph) -> tuple[str, str]:
    """What a node said and the name of its error; nothing if it ran, or if ComfyUI refused it."""
    try:
        client.run(graph, timeout=300)
    except NodeError as error:
        return str(error), error.kind.rpartition(".")[2]
    except QueueError:
        pass
    return "", ""
