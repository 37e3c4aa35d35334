"""What FaceA Save Image leaves in ComfyUI's output folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .client import Client, NodeError
from .graph import Graph, Node
from .server import Server

SOURCE = "digitalsourcetype/compositeWithTrainedAlgorithmicMedia<"


def saving(**changes: Any) -> tuple[Graph, Node]:
    graph = Graph()
    photos = graph.add("FaceASamplePhotos", person=3, photos=2, size=64)
    settings = {"filename_prefix": "made", "format": "PNG", "quality": 95, "generated": "part"}
    return graph, graph.add("FaceASaveImage", images=photos, **settings | changes)


def files(server: Server, client: Client, graph: Graph, node: Node) -> list[Path]:
    """Where the files lie that the front end is told of."""
    shown = client.run(graph).outputs[node.id]["images"]
    assert {one["type"] for one in shown} == {"output"}
    return [server.base / "output" / one["subfolder"] / one["filename"] for one in shown]


def graph_in(path: Path) -> Any:
    """The prompt where ComfyUI looks for it."""
    with Image.open(path) as opened:
        if opened.format == "PNG":
            return json.loads(opened.info.get("prompt", "null"))
        name, _, value = opened.getexif().get(0x0110, "prompt:null").partition(":")
    assert name == "prompt"
    return json.loads(value)


@pytest.mark.parametrize(("form", "ending"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WebP", ".webp")])
def test_files_say_what_they_are_and_bring_their_graph(
    host: Server, client: Client, form: str, ending: str
):
    graph, node = saving(format=form, filename_prefix=f"sub/{form}/%width%")
    made = files(host, client, graph, node)
    assert [path.name for path in made] == [f"64_0000{n}_{ending}" for n in (1, 2)]
    for path in made:
        assert graph_in(path) == graph
        assert SOURCE in path.read_bytes().decode("latin-1")
    assert not [path for path in made[0].parent.iterdir() if path not in made]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP"])
def test_without_metadata_only_the_word_that_it_is_generated_stays(other_host: Server, form: str):
    graph, node = saving(format=form, generated="all")
    with Client(other_host.url) as client:
        path, _ = files(other_host, client, graph, node)
    assert graph_in(path) is None
    data = path.read_bytes()
    assert b"digitalsourcetype/trainedAlgorithmicMedia<" in data
    assert b"not a photograph" in data


def test_pixels_are_those_that_save_image_keeps(host: Server, client: Client):
    graph, node = saving(filename_prefix="ours", format="WebP")
    theirs = graph.add("SaveImage", images=Node("1"), filename_prefix="theirs")
    run = client.run(graph)
    for one, other in zip(
        run.outputs[node.id]["images"], run.outputs[theirs.id]["images"], strict=True
    ):
        first, second = (np.asarray(client.view(image)).astype(int) for image in (one, other))
        # The stock node cuts off what it cannot hold; rounding is at most one away.
        assert np.abs(first - second).max() <= 1


def test_no_file_is_written_over(host: Server, client: Client):
    names = set()
    for quality in (90, 91):
        for prefix in ("again", "again-%batch_num%"):
            graph, node = saving(filename_prefix=prefix, format="JPEG", quality=quality)
            names |= {path.name for path in files(host, client, graph, node)}
    assert len(names) == 8


def test_a_list_is_saved_in_its_sizes(host: Server, client: Client):
    graph = Graph()
    whole = graph.add("FaceASamplePhotos", person=3, photos=1, size=64)
    folder = host.base / "input" / "kinds"
    folder.mkdir(parents=True)
    for number, size in enumerate(((64, 48), (32, 80))):
        Image.new("RGB", size, (9, 99, 199)).save(folder / f"{number}.png")
    photos = graph.add("FaceALoadPhotos", folder="kinds", order="name", limit=0, subfolders=False)
    settings = {"filename_prefix": "list", "format": "PNG", "quality": 95, "generated": "part"}
    node = graph.add("FaceASaveImage", images=photos, **settings)
    graph.add("PreviewImage", images=whole)
    made = files(host, client, graph, node)
    assert [Image.open(path).size for path in made] == [(64, 48), (32, 80)]
    assert Image.open(made[0]).getpixel((0, 0)) == (9, 99, 199)


@pytest.mark.parametrize("prefix", ["../out", "/tmp/out", "", " ", "no\0name", "x" * 300, "\ud800"])
def test_a_name_that_cannot_be_is_said(host: Server, client: Client, prefix: str):
    before = host.files()
    graph, _ = saving(filename_prefix=prefix)
    with pytest.raises(NodeError) as raised:
        client.run(graph)
    assert raised.value.kind.endswith(("AssetError", "ConfigError"))
    assert host.files() == before
