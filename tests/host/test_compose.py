"""Several candidates of a face, painted by ComfyUI's samplers."""

from __future__ import annotations

import json
from typing import Any

from .client import Client
from .faces import checkpoint, compose, detect
from .graph import Graph


def painted(client: Client, **changes: Any) -> tuple[bytes, dict[str, Any]]:
    """A face repainted: the picture, and the report. References show person 5."""
    graph = Graph()
    context = graph.add("FaceASamplePhotos", person=3, photos=2, size=128).out(1)
    if changes.pop("choose", False):
        changes["references"] = graph.add("FaceASamplePhotos", person=5, photos=2, size=128)
    made = compose(
        graph, context, checkpoint(graph), attributes=detect(graph, context), **changes
    )  # fmt: skip
    shown, report = str(len(graph)), graph.add("PreviewAny", source=made.out(4))
    outputs = client.run(graph).outputs
    (picture,) = outputs[shown]["images"]
    said = json.loads(outputs[report.id]["text"][0])
    return client.view(picture).convert("RGB").tobytes(), said


def choices(said: dict[str, Any]) -> list[dict[str, Any]]:
    (picture,) = said["pictures"]
    return picture["candidates"]


def test_the_best_of_several_candidates_is_kept(client: Client):
    alone, said = painted(client)
    assert choices(said) == []
    kept, said = painted(client, candidates=3)
    (choice,) = choices(said)
    assert choice["likeness"] == []
    assert choice["fits"].index(max(choice["fits"])) == choice["kept"]
    assert (kept == alone) == (choice["kept"] == 0)


def test_references_without_a_choice_are_said_to_have_no_effect(client: Client):
    _, said = painted(client, choose=True)
    assert choices(said) == []
    assert any("references" in note for note in said["notes"])


def test_references_say_who_it_should_be_like(client: Client):
    _, said = painted(client, candidates=3, choose=True)
    (choice,) = choices(said)
    assert len(choice["likeness"]) == len(set(choice["likeness"])) == 3
    scores = [a + b for a, b in zip(choice["fits"], choice["likeness"], strict=True)]
    assert scores.index(max(scores)) == choice["kept"]
