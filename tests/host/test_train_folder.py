"""FaceA Train Folder in ComfyUI: all trained once, who fails told of, a cancel gone on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from facea_core.demo import draw_cast
from facea_core.io.images import save_image

from .client import Client, NodeError, Run
from .faces import TINY, checkpoint, load, outcome
from .fixtures import Tell
from .graph import Graph, Node, only, train_briefly
from .server import Server
from .test_trainer import cancel, states, steps_of

STEPS = 4
SMALL = '{"batch": 1, "rank": 4, "variants": 2, "preview_share": 1}'


def crowd(folder: Path, **people: int) -> Path:
    """A folder of painted people, by name and number, and cleo, who has no face."""
    for name, person in people.items():
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(draw_cast(person, 128, 2).photos.image.split(1)):
            save_image(image, folder / name / f"{number}.png")
    (folder / "cleo").mkdir(parents=True)
    save_image(torch.ones(1, 3, 96, 96), folder / "cleo" / "0.png")
    return folder


@pytest.fixture(scope="module")
def people(host: Server) -> Path:
    """Ada, who is a woman, Bo Berg, and Cleo."""
    folder = crowd(host.base / "input" / "people", ada=3, **{"Bo Berg": 4})
    (folder / "ada" / "class.txt").write_text("woman", "utf-8")
    return folder


def folder_graph(**changes: Any) -> tuple[Graph, Node]:
    graph = Graph()
    model, clip, vae = checkpoint(graph)
    settings = {
        "folder": "people", "class_noun": "man", "preset": "auto", "steps": STEPS, "seed": 0,
        "policy": "skip", "words": "eyes, mouth", "detector": "tiny", "on_missing": "skip",
        "previews": 1, "settings": SMALL,
    }  # fmt: skip
    node = graph.add(
        "FaceATrainFolder", **{"model": model, "clip": clip, "vae": vae, **settings, **changes}
    )
    return graph, node


def became(run: Run, node: Node) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in outcome(run, node)["people"]}


@pytest.fixture(scope="module")
def first(host: Server, people: Path) -> tuple[Run, Graph, Node, dict[str, Node]]:
    """The first run, with all outputs looked at."""
    graph, node = folder_graph()
    prompt = load(graph, checkpoint(graph), identity=node).out(2)
    texts = {"prompt": prompt, "names": node.out(1), "table": node.out(3), "report": node.out(4)}
    looks = {name: graph.add("PreviewAny", source=wire) for name, wire in texts.items()}
    looks["previews"] = graph.add("PreviewImage", images=node.out(2))
    with Client(host.url) as client:
        return client.run(graph), graph, node, looks


def test_everybody_is_trained_and_who_fails_is_told_of(
    host: Server, first: tuple[Run, Graph, Node, dict[str, Node]]
):
    run, _, node, looks = first
    everybody = became(run, node)
    assert {name: one["state"] for name, one in everybody.items()} == {
        "ada": "trained", "bo-berg": "trained", "cleo": "failed",
    }  # fmt: skip
    assert outcome(run, node)["trained"] == 2
    assert [everybody[name]["steps"] for name in ("ada", "bo-berg")] == [STEPS, STEPS]
    assert everybody["ada"]["file"].replace("\\", "/") == "facea/ada.safetensors"
    assert everybody["cleo"]["error"]
    folder = host.base / "models" / "loras" / "facea"
    assert {"ada.safetensors", "bo-berg.jpg"} <= {path.name for path in folder.iterdir()}
    assert states(host) == []
    said = {name: run.outputs[look.id] for name, look in looks.items()}
    assert said["names"]["text"] == ["ada", "bo-berg"]
    ada, bo = said["prompt"]["text"]
    assert "ada/eyes" in ada
    assert "woman" in ada
    assert "bo-berg/eyes" in bo
    assert " man" in bo
    assert len(said["previews"]["images"]) == len(run.outputs[node.id]["images"]) == 2
    (table,), (report,) = said["table"]["text"], said["report"]["text"]
    assert [row.split()[:2] for row in table.splitlines()[1:]] == [
        ["ada", "trained"], ["bo-berg", "trained"], ["cleo", "failed"],
    ]  # fmt: skip
    assert json.loads(report) == outcome(run, node)


def test_the_bar_is_of_all_and_says_of_whom(first: tuple[Run, Graph, Node, dict[str, Node]]):
    run, _, node, _ = first
    steps = steps_of(run.events, node)
    assert steps == sorted(steps)
    assert 2 * STEPS in steps
    ticks = [event.data for event in run.of("progress") if event.data["node"] == node.id]
    assert {tick["max"] for tick in ticks} == {3 * STEPS}
    texts = [str(text.data["text"]) for text in run.of("text", node.id)]
    assert any(text.startswith(f"bo-berg, 2 of 3 · step {STEPS} of {STEPS}") for text in texts)
    assert texts[-1].startswith("2 trained, 1 failed; cleo: ")
    assert len(run.of("preview", node.id)) >= 2


def test_a_second_run_finds_everybody_without_the_model(
    client: Client, first: tuple[Run, Graph, Node, dict[str, Node]], people: Path
):
    _, graph, node, _ = first
    assert node.id not in client.run(graph).executed
    client.free()
    run = client.run(graph)
    everybody = became(run, node)
    assert [everybody[name]["state"] for name in ("ada", "bo-berg")] == ["found", "found"]
    assert everybody["ada"]["steps"] == 0
    assert not any("copying" in str(text.data) for text in run.of("text", node.id))
    (people / "ada" / "class.txt").write_text("girl", "utf-8")
    assert became(client.run(graph), node)["ada"]["state"] == "trained"


def test_captions_are_read_or_seen(host: Server, client: Client):
    folder = crowd(host.base / "input" / "told", dora=8)
    (folder / "dora" / "1.txt").write_text("at night", "utf-8")
    graph, node = folder_graph(folder="told", captions=True)
    dora = became(client.run(graph), node)["dora"]
    assert dora["state"] == "trained"
    assert [note for note in dora["notes"] if "said of it" in note] == [
        f"{folder / 'dora' / '0.png'}: said of it: smiling"
    ]


def test_cancelled_it_goes_on_where_it_was(host: Server, client: Client, tell: Tell):
    crowd(host.base / "input" / "more", dan=5, eve=6)
    graph, node = folder_graph(folder="more", steps=12)
    # Dan's 12 steps come after Cleo, who is the first of the three.
    run, reached, seconds = cancel(client, graph, node, 29, lambda: host.work)
    tell(f"Train Folder, cancelled: {seconds:.2f} s of work after the request")
    assert 29 <= reached < 36
    assert len(states(host)) == 1
    last = str(run.of("text", node.id)[-1].data["text"])
    assert "eve, 3 of 3 · stopped at step " in last
    everybody = became(client.run(graph), node)
    assert everybody["dan"]["state"] == "found"
    assert everybody["eve"]["state"] == "trained"
    assert everybody["eve"]["resumed_from"] >= 5
    assert everybody["eve"]["steps"] == 12 - everybody["eve"]["resumed_from"]
    assert states(host) == []


def test_the_template_paints_everybody(
    host: Server, client: Client, people: Path, graphs: Callable[[str], dict[str, Any]]
):
    """On the model that ships with the pack, for the one that it names is large."""
    graph = Graph(graphs("19-train-folder"))
    train_briefly(graph)
    graph[only(graph, "CheckpointLoaderSimple").id]["inputs"]["ckpt_name"] = TINY
    graph[only(graph, "FaceATrainFolder").id]["inputs"].update(preset="tiny", seed=1)
    graph[only(graph, "FaceAInpaintCompose").id]["inputs"]["steps"] = 2
    save_image(draw_cast(7, 128).context.image[:1], host.base / "input" / "my-picture.jpg")
    run = client.run(graph)
    assert len(run.outputs[only(graph, "FaceASaveImage").id]["images"]) == 2
    assert became(run, only(graph, "FaceATrainFolder"))["cleo"]["state"] == "failed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"folder": "nowhere"}, "cannot list .*nowhere"),
        ({"folder": "no\0name"}, "cannot list"),
        ({"folder": "people/ada"}, "there is no folder in"),
        ({"folder": "faceless"}, "cleo could not be learned: .*"),
        ({"folder": "faceless", "class_noun": ""}, "cleo could not be learned: no class noun"),
        ({"words": "eyes, nosee"}, "did you mean 'nose'"),
        ({"policy": "skipp"}, "skip"),
        ({"settings": '{"rnk": 3}'}, "rank"),
    ],
)
def test_what_is_wrong_is_said(
    host: Server, client: Client, people: Path, changes: dict[str, str], said: str
):
    if not (faceless := host.base / "input" / "faceless").is_dir():
        crowd(faceless)
    graph, node = folder_graph(**changes)
    with pytest.raises(NodeError, match=said) as raised:
        client.run(graph)
    assert raised.value.node == node.id
    assert raised.value.kind.endswith("Error")
