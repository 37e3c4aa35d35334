"""Fifty prompts in a row with cancels in between: memory stays flat and nothing is left lying."""

from __future__ import annotations

from statistics import median

from facea_core.identity_store.runs import KEPT_FINISHED

from .client import Client, Event
from .faces import checkpoint, compose, detect, photos, training
from .fixtures import Tell
from .graph import Graph
from .server import Server

PROMPTS, WARM_UP = 50, 15
MAY_GROW = 60  # MiB over all prompts after the warm-up


def detecting(index: int) -> Graph:
    graph = Graph()
    _, found = photos(graph, person=index)
    graph.add("PreviewImage", images=found.out(3))
    return graph


def composing(index: int) -> Graph:
    graph = Graph()
    samples = graph.add("FaceASamplePhotos", person=index, photos=1, size=128)
    context = samples.out(1)
    found = detect(graph, context)
    compose(graph, context, checkpoint(graph), attributes=found, seed=index, steps=2)
    return graph


def learning(index: int) -> Graph:
    # Two names, so that files are overwritten, and each time another seed.
    name = f"endurance-{index % 2}"
    graph, _ = training(count=1, name=name, seed=index, steps=4, previews=1)
    return graph


def test_fifty_prompts_leave_nothing_behind(host: Server, tell: Tell):
    before = host.files()
    kinds = (detecting, composing, learning)
    memory: list[float] = []
    cancelled = 0
    with Client(host.url) as client:
        for index in range(PROMPTS):
            graph = kinds[index % 3](index)
            asked: list[Event] = []

            def cancel(event: Event, asked: list[Event] = asked, index: int = index) -> None:
                if index % 5 == 2 and event.kind == "progress" and not asked:
                    asked.append(event)
                    client.interrupt()

            cancelled += client.run(graph, cancel).interrupted
            memory.append(host.memory)
    warm, end = median(memory[WARM_UP : WARM_UP + 5]), median(memory[-5:])
    tell(
        f"{PROMPTS} prompts, {cancelled} cancelled: {memory[0]:.0f} MiB after the first, "
        f"{warm:.0f} warm, {end:.0f} at the end, {max(memory):.0f} at most"
    )
    assert cancelled >= 5
    assert end - warm < MAY_GROW
    left = host.files() - before
    assert [name for name in left if ".tmp" in name or name.endswith(".part")] == []
    # A cancelled run keeps one state to go on from, and nothing else.
    runs = [name for name in left if "/runs/" in name and "/runs/finished/" not in name]
    assert len(runs) <= cancelled
    assert all(name.endswith("/state.safetensors") for name in runs)
    # The last finished ones keep theirs, for whoever asks for more steps.
    finished = {name.rsplit("/", 1)[0] for name in left if "/runs/finished/" in name}
    assert len(finished) <= KEPT_FINISHED
    ours = {name for name in left if not name.startswith(("temp/", "user/", "models/"))}
    assert ours == set()
