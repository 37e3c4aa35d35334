"""Many pictures of one person as a set: kept, written, the same again; and what cannot be done."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facea_core.dataset.manifest import read_manifest

from .client import Client, Event, NodeError
from .complaints import complaint
from .faces import checkpoint, photos, pictures_of, train
from .fixtures import Tell
from .graph import Graph, Node
from .server import Server

QUICK = {
    "hosts_folder": "", "count": 4, "axes": "scale; expression: neutral, smiling", "lower": 0.01,
    "upper": 0.99, "tries": 3, "extra": 0.0, "strict": False, "negative_prompt": "", "seed": 1,
    "steps": 3, "cfg": 0.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
    "context_factor": 1.5, "grow": 0.1, "feather": 0.08, "format": "none", "folder": "sets/ada",
    "licence": "cc-by-4.0", "consent": "painted",
}  # fmt: skip


def sampler(graph: Graph, **more: Any) -> Node:
    """The node with a person learned in a few steps, and eight photos of others as hosts."""
    model = checkpoint(graph)
    samples, found = photos(graph, person=3)
    ada = train(graph, samples, found, model, name="sampled-3", class_noun="person")
    if more.pop("searched", True):
        more["photo_attributes"] = found
    if more.pop("hosted", True):
        more["hosts"] = graph.add("FaceASamplePhotos", person=50, photos=8, size=128)
    wires = dict(zip(("model", "clip", "vae"), model, strict=True))
    return graph.add(
        "FaceADatasetSampler", photos=samples, identity=ada, **wires, **{**QUICK, **more}
    )


def made(
    client: Client, graph: Graph, node: Node
) -> tuple[list[np.ndarray], list[str], dict[str, Any]]:
    """Pictures, captions, report."""
    look = graph.add("PreviewImage", images=node)
    captions = graph.add("PreviewAny", source=node.out(2))
    said = graph.add("PreviewAny", source=node.out(3))
    run = client.run(graph)
    return (
        pictures_of(client, run, look), run.outputs[captions.id]["text"],
        json.loads(run.outputs[said.id]["text"][0]),
    )  # fmt: skip


def test_it_hands_out_what_it_writes_and_the_same_again(client: Client, host: Server):
    graph = Graph()
    node = sampler(graph, format="folder, kohya")
    pictures, captions, report = made(client, graph, node)
    assert (report["kept"], report["missing"], report["short"]) == (4, "", [])
    assert len(pictures) == len(captions) == 4
    assert {one["asked"]["expression"] for one in report["pictures"]} == {"neutral", "smiling"}
    for picture, caption in zip(report["pictures"], captions, strict=True):
        assert caption.endswith("smiling") == (picture["asked"]["expression"] == "smiling")
    out = host.base / "output" / report["folder"]
    assert report["folder"] == "sets/ada_00001"
    files = [out / one.path for one in read_manifest(out)]
    for file, picture in zip(files, pictures, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file.read_bytes()))), picture)
    assert len(list((out / "kohya").rglob("*.txt"))) == 4
    (one,) = {(one.licence, one.consent, one.synthetic) for one in read_manifest(out)}
    assert one == ("cc-by-4.0", "painted", True)
    # In another process, and by what the node itself finds in the photos, which is the same.
    host.restart()
    with Client(host.url) as again:
        graph = Graph()
        node = sampler(graph, format="folder", searched=False)
        _, _, second = made(again, graph, node)
    other = host.base / "output" / "sets" / "ada_00002"
    assert second["folder"] == "sets/ada_00002"
    bytes_of = [[(o / one.path).read_bytes() for one in read_manifest(o)] for o in (out, other)]
    assert bytes_of[0] == bytes_of[1]


def test_hosts_of_a_folder_have_their_own_sizes(client: Client, host: Server):
    folder = host.base / "input" / "hosts"
    folder.mkdir(parents=True, exist_ok=True)
    for size in (128, 160):
        graph = Graph()
        look = graph.add(
            "PreviewImage", images=graph.add("FaceASamplePhotos", person=60, photos=3, size=size)
        )
        for number, one in enumerate(client.run(graph).outputs[look.id]["images"]):
            client.view(one).save(folder / f"{size}-{number}.png")
    (folder / "empty.png").write_bytes((folder / "128-0.png").read_bytes()[:2000])
    graph = Graph()
    node = sampler(graph, hosted=False, hosts_folder="hosts", axes="", tries=1, count=6)
    pictures, captions, report = made(client, graph, node)
    assert report["hosts"] == 6
    assert any("empty.png left out" in note for note in report["notes"])
    assert {picture.shape for picture in pictures} == {(128, 128, 3), (160, 160, 3)}
    assert set(captions) == {"a photo of sampled-3 person"}
    (folder / "more.png").write_bytes((folder / "160-0.png").read_bytes())
    assert made(client, graph, node)[2]["hosts"] == 7


def test_fewer_pictures_than_asked_are_told(client: Client):
    """One host: all pictures of it have one look."""
    graph = Graph()
    one = graph.add("FaceASamplePhotos", person=50, photos=1, size=128)
    count = 16
    node = sampler(graph, hosts=one, hosted=False, axes="backdrop", count=count, tries=1)
    pictures, _, report = made(client, graph, node)
    assert 0 < len(pictures) == report["kept"] < count
    tried = len(pictures) + sum(report["rejected"].values())
    assert count < tried <= 2 * count  # What is empty is tried once more.
    said = f"{len(pictures)} of {count} pictures passed; of {tried} paintings"
    assert report["missing"].startswith(said)
    assert "host pictures" in report["missing"]
    assert len(report["short"]) == count - len(pictures)


def test_no_picture_at_all_is_an_error_that_says_what_to_change(client: Client):
    graph = Graph()
    node = sampler(graph, lower=0.985, count=2, tries=2)
    graph.add("PreviewImage", images=node)
    complaint(client, graph, node, "0 of 2 pictures", "unlike the person", "Set lower below 0.985")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "folders"}, "folder"),
        ({"format": "folder", "folder": "../outside"}, "inside the output folder"),
        ({"format": "folder", "folder": "a" * 300}, "cannot make the folder"),
        ({"format": "folder", "folder": " "}, "folder is empty"),
        ({"axes": "yaw: up"}, "no level"),
        ({"axes": "hat"}, "no levels"),
        ({"lower": 0.9, "upper": 0.5}, "below the upper"),
        ({"hosted": False}, "no host pictures"),
        ({"hosted": False, "hosts_folder": "nowhere"}, "nowhere"),
        ({"sampler_name": "eulr"}, "euler"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_painted(
    client: Client, host: Server, change: dict[str, Any], words: str
):
    graph = Graph()
    node = sampler(graph, **change)
    graph.add("PreviewImage", images=node)
    before = output_of(host)
    previews: list[Event] = []
    with pytest.raises(NodeError, match=words):
        client.run(graph, lambda event: previews.append(event) if event.kind == "preview" else None)
    assert [one for one in previews if one.data.get("node") == node.id] == []
    assert output_of(host) == before


def output_of(host: Server) -> set[Path]:
    return {path for path in (host.base / "output").rglob("*") if path.is_file()}


def test_it_is_cancelled_at_once_and_leaves_no_set(client: Client, host: Server, tell: Tell):
    graph = Graph()
    node = sampler(graph, count=50, steps=20, format="folder", folder="stopped")
    asked: list[float] = []

    def cancel(event: Event) -> None:
        mine = event.kind == "preview" and event.data.get("node") == node.id
        if mine and not asked:
            client.interrupt()
            asked.append(time.monotonic())

    run = client.run(graph, cancel)
    assert run.interrupted
    waited = run.of("execution_interrupted")[0].at - asked[0]
    tell(f"FaceA Dataset Sampler: cancelled after {waited:.2f} s")
    assert waited < 2
    assert not list((host.base / "output").glob("stopped*"))
