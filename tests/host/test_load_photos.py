"""A folder of photos in a real ComfyUI: files of every shape, and one person learned from all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facea_core.demo import draw_cast
from facea_core.io.images import to_pil

from .client import Client, NodeError
from .faces import checkpoint, detect, outcome, train
from .graph import Graph, Node
from .server import Server

SHAPES = ((0, 0, 128, 128), (8, 0, 120, 128), (0, 0, 128, 116))


@pytest.fixture(scope="module")
def album(host: Server) -> Path:
    """Three photos of one person in three shapes, one of them lying, and what is no photo."""
    folder = host.base / "input" / "ada"
    folder.mkdir(parents=True)
    lying = Image.Exif()
    lying[0x0112] = 6
    for number, (photo, shape) in enumerate(
        zip(draw_cast(3, 128, 3).photos.image, SHAPES, strict=True), start=1
    ):
        cut = to_pil(photo).crop(shape)
        if number == 2:
            cut.rotate(90, expand=True).save(folder / "2.png", exif=lying)
        else:
            cut.save(folder / f"{number}.png")
        # The last is the newest.
        os.utime(folder / f"{number}.png", (1e9 + number, 1e9 + number))
    (folder / "10.jpg").write_bytes(b"no picture")
    os.utime(folder / "10.jpg", (1e9, 1e9))
    (folder / "._1.png").write_bytes(b"no picture")
    (folder / "1.txt").write_text("a caption")
    return folder


def load(graph: Graph, folder: str = "ada", **changes: Any) -> Node:
    settings = {"order": "name", "limit": 0, "subfolders": False}
    return graph.add("FaceALoadPhotos", folder=folder, **settings | changes)


def told(client: Client, **changes: Any) -> tuple[list[str], dict[str, Any]]:
    """The names in their order, and the report."""
    graph = Graph()
    photos = load(graph, **changes)
    names, report = (graph.add("PreviewAny", source=photos.out(n)) for n in (1, 3))
    outputs = client.run(graph).outputs
    return outputs[names.id]["text"], json.loads(outputs[report.id]["text"][0])


def test_each_photo_keeps_its_shape_and_stands_upright(client: Client, album: Path):
    graph = Graph()
    photos = load(graph)
    shown = graph.add("PreviewImage", images=photos)
    count = graph.add("PreviewAny", source=photos.out(2))
    run = client.run(graph)
    sizes = [client.view(image).size for image in run.outputs[shown.id]["images"]]
    assert sizes == [(128, 128), (112, 128), (128, 116)]
    assert run.outputs[count.id]["text"] == ["3"]
    (line,) = {event.data["text"] for event in run.of("text", photos.id)}
    assert line.startswith("3 photos; left out: cannot read 10.jpg")


def test_the_report_and_the_orders(client: Client, album: Path):
    names, report = told(client)
    assert names == ["1.png", "2.png", "3.png"]
    assert [one["file"] for one in report["photos"]] == names
    assert "upright" in report["photos"][1]["notes"][0]
    assert [one["file"] for one in report["left_out"]] == ["10.jpg"]
    assert told(client, order="newest first", limit=2)[0] == ["3.png", "2.png"]
    assert told(client, folder=f'"{album}"')[0] == names
    assert told(client, folder="", subfolders=True)[0][:3] == [f"ada/{name}" for name in names]


def test_a_person_is_learned_from_all_of_them(client: Client, album: Path):
    graph = Graph()
    photos = load(graph)
    found = detect(graph, photos)
    trainer = train(graph, photos, found, checkpoint(graph), steps=2, name="loaded")
    run = client.run(graph)
    assert len(run.outputs[trainer.id]["facea"]) == 1
    assert outcome(run, trainer)["steps_run"] == 2


def test_it_is_read_again_when_a_file_changes_and_only_then(client: Client, album: Path):
    graph = Graph()
    photos = load(graph)
    graph.add("PreviewAny", source=photos.out(2))
    client.run(graph)
    assert photos.id not in client.run(graph).executed
    os.utime(album / "1.png", (2e9, 2e9))
    assert photos.id in client.run(graph).executed
    os.utime(album / "1.png", (1e9 + 1, 1e9 + 1))


def test_the_name_of_a_folder_may_be_wired(client: Client, album: Path):
    graph = Graph()
    name = graph.add("PrimitiveString", value="ada")
    photos = load(graph, folder=name)  # type: ignore[arg-type]
    count = graph.add("PreviewAny", source=photos.out(2))
    assert client.run(graph).outputs[count.id]["text"] == ["3"]


@pytest.mark.parametrize(
    ("prepare", "folder", "said"),
    [
        (lambda base: None, "nowhere", "cannot list .*nowhere"),
        (lambda base: (base / "bare").mkdir(), "bare", "there is no photo in"),
        (lambda base: (base / "bad").mkdir() or (base / "bad" / "a.jpg").touch(), "bad", "none of"),
        (lambda base: None, "no\0name", "cannot list"),
        (lambda base: None, "half \ud800", "half a character"),
        (lambda base: None, "x" * 200_000, "folder has 200000 characters"),
    ],
)
def test_no_photo_at_all_is_said(
    host: Server, client: Client, prepare: Callable[[Path], None], folder: str, said: str
):
    prepare(host.base / "input")
    graph = Graph()
    photos = load(graph, folder)
    graph.add("PreviewAny", source=photos.out(2))
    with pytest.raises(NodeError, match=said) as raised:
        client.run(graph)
    assert raised.value.kind.endswith(("ImageError", "ConfigError"))
