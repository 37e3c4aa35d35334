"""Several candidates of a face, painted by ComfyUI's samplers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .client import Client, NodeError
from .faces import checkpoint, compose, detect, photos, pictures_of, train
from .graph import Graph, Node
from .server import Server


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
    # Painted with others a candidate is what it is alone, but for rounding.
    levels = max(abs(a - b) for a, b in zip(alone, kept, strict=True))
    assert (levels <= 1) == (choice["kept"] == 0)


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


def test_of_two_people_only_the_first_is_judged_by_the_references(client: Client):
    graph = Graph()
    one, other = (
        graph.add("FaceASamplePhotos", person=person, photos=2, size=128) for person in (3, 5)
    )
    both = graph.add(
        "ImageStitch", image1=one.out(1), image2=other.out(1), direction="right",
        match_image_size=True, spacing_width=0, spacing_color="white",
    )  # fmt: skip
    found = detect(graph, both, face_index=-1, face_order="left-to-right")
    model = checkpoint(graph)
    first, second = (
        train(graph, photos, detect(graph, photos), model, steps=1, name=name)
        for photos, name in ((one, "left"), (other, "right"))
    )
    made = compose(
        graph, both, model, attributes=found, identity=first, identity_2=second, prompt="",
        references=one, candidates=2,
    )  # fmt: skip
    report = graph.add("PreviewAny", source=made.out(4))
    said = json.loads(client.run(graph).outputs[report.id]["text"][0])
    assert [len(choice["likeness"]) for choice in choices(said)] == [2, 0]


def said_on_the_node(client: Client, **changes: Any) -> list[str]:
    """The lines under a composer that paints a face of person 3, or what `changes` say instead."""
    graph = Graph()
    context = graph.add("FaceASamplePhotos", person=3, photos=2, size=128).out(1)
    wires = {
        name: make(graph, context) if callable(make) else make for name, make in changes.items()
    }
    if "mask" not in wires:
        wires = {"attributes": detect(graph, context), **wires}
    made = compose(graph, wires.pop("image", context), checkpoint(graph), **wires)
    return [str(event.data["text"]) for event in client.run(graph).of("text", made.id)]


def black(graph: Graph, _: Any) -> Node:
    return graph.add("SolidMask", value=0.0, width=128, height=128)


def grey(graph: Graph, _: Any) -> Node:
    return graph.add("EmptyImage", width=128, height=128, batch_size=1, color=0x808080)


def faceless(graph: Graph, context: Any) -> Node:
    return detect(graph, grey(graph, context), on_missing="pass")


def person(graph: Graph, _: Any) -> Node:
    return train(graph, *photos(graph), checkpoint(graph), steps=2, name="second")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mask": black}, "face 1: the mask is empty"),
        ({"image": grey, "attributes": faceless}, "no face was found"),
        ({"identity_2": person}, "1 of 1 faces left alone"),
    ],
)
def test_where_nothing_was_painted_the_node_and_the_log_say_why(
    client: Client, host: Server, changes: dict[str, Any], why: str
):
    logged = len(host.log)
    (said,) = said_on_the_node(client, **changes)
    assert said.startswith("nothing was painted")
    assert why in said
    (line,) = [line for line in host.log[logged:].splitlines() if "nothing was painted" in line]
    assert why in line
    assert "FaceA Inpaint Compose" in line


def test_an_empty_prompt_with_nobody_wired_is_said(client: Client):
    """What is left of a graph whose loader is bypassed."""
    (said,) = said_on_the_node(client, prompt=" ")
    assert "prompt is empty" in said
    assert "bypassed" in said
    assert "nothing was painted" not in said


def test_nothing_is_said_where_all_went_as_usual(client: Client, host: Server):
    logged = len(host.log)
    assert said_on_the_node(client) == []
    assert "Inpaint Compose" not in host.log[logged:]


def test_parts_of_two_people_change_these_parts_and_nothing_else(client: Client):
    graph = Graph()
    one, other = (
        graph.add("FaceASamplePhotos", person=person, photos=1, size=128) for person in (50, 44)
    )
    model = checkpoint(graph)
    first, second = (
        train(graph, photos, detect(graph, photos), model, steps=1, name=name)
        for photos, name in ((one, "ada"), (other, "eve"))
    )
    found = detect(graph, one.out(1), words="custom", custom_words="eyes, nose, mouth")
    wires = {"attributes": found, "identity": first, "identity_2": second, "prompt": ""}
    made = compose(graph, one.out(1), model, parts="mouth:eve, eyes:ada", **wires)
    report = graph.add("PreviewAny", source=made.out(4))
    before, after, mask = (
        graph.add("PreviewImage", images=shown)
        for shown in (one.out(1), made.out(0), graph.add("MaskToImage", mask=made.out(2)))
    )
    run = client.run(graph)
    said = json.loads(run.outputs[report.id]["text"][0])
    assert len(said["pictures"][0]["crops"]) == 2
    old, new, where = (pictures_of(client, run, node)[0] for node in (before, after, mask))
    assert (old == new)[where == 0].all()
    assert 0.005 < (old != new).any(axis=2).mean() < 0.2
    compose(graph, one.out(1), model, parts="eyes:ben", **wires)
    with pytest.raises(NodeError, match=r"'ben', who is not wired \(wired: ada, eve\)"):
        client.run(graph)
