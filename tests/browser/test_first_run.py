"""The first visit: from an empty ComfyUI to the first picture, as somebody does it by hand."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
import torch
from PIL import Image

from facea_core.demo import draw_cast

from ..host.client import Client
from ..host.contract import NODES
from ..host.fixtures import Tell
from ..host.graph import Graph, only
from ..host.server import PACK, Server
from .frontend import Frontend
from .moments import Moment
from .rectangles import inside
from .visitor import Visitor

FIRST_RUN = "1-first-run"
TRAINER = "FaceAEmbeddingTrainer"

# A fifth of the training; what it does to the face is tested without a browser.
STEPS = 20

# Long enough for a machine that does other things as well.
PATIENCE = 300


@dataclass(frozen=True)
class FirstRun:
    """What was seen while the workflow ran."""

    moments: list[Moment]
    """What the trainer showed, each change of it."""
    written: list[str]
    """The lines that could be read on the page."""
    overlaps: set[tuple[str, str]]
    """Each two nodes of which one covered the other."""
    seconds: float
    result: str
    """The address of the picture on the node that saves it."""


@pytest.fixture(scope="module")
def server(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, on an empty folder."""
    with Server(comfyui, tmp_path_factory.mktemp("visit") / "base") as server:
        yield server


@pytest.fixture(scope="module")
def visitor(frontend: Frontend, server: Server) -> Iterator[Visitor]:
    """In a window of its own in the browser of the other tests."""
    window = frontend.page.context.browser.new_page(viewport=frontend.page.viewport_size)
    visitor = Visitor(Frontend(window, server.url))
    # The first visit of all begins with the template browser.
    visitor.close_templates()
    # It also begins with an error of the front end's own: one setting is changed before another is.
    visitor.frontend.complaints.clear()
    yield visitor
    window.close()


@pytest.fixture(scope="module")
def opened(visitor: Visitor) -> Visitor:
    """The first workflow, chosen from the template browser."""
    visitor.templates(PACK)
    visitor.choose(FIRST_RUN)
    return visitor


@pytest.fixture(scope="module")
def first_run(opened: Visitor) -> FirstRun:
    opened.fill(TRAINER, "steps", STEPS)
    opened.look_at(opened.around(TRAINER))
    began = time.monotonic()
    opened.watch(TRAINER)
    opened.run()
    last = None
    overlaps: set[tuple[str, str]] = set()
    done = False
    while not done:
        # Once more after the end, which may have come since the last look.
        done = opened.finished("FaceASaveImage")
        assert opened.frontend.dialogs() == []
        assert time.monotonic() - began < PATIENCE, f"the trainer last showed {last}"
        moment = opened.moment(TRAINER)
        if moment != last:
            last = moment
            overlaps |= opened.overlaps()
        time.sleep(0.2)
    seconds = time.monotonic() - began
    result = opened.picture("FaceASaveImage")
    overlaps |= opened.overlaps()
    moments = opened.moments()
    written = list(dict.fromkeys(moment.line for moment in moments if moment.read))
    return FirstRun(moments, written, overlaps, seconds, result)


def test_each_template_has_a_picture(visitor: Visitor):
    names = visitor.templates(PACK)
    assert FIRST_RUN in names
    for name in names:
        visitor.thumbnail(name).wait_for()
    visitor.close_templates()


def test_the_workflow_opens(opened: Visitor):
    assert opened.frontend.unknown() == []
    assert opened.frontend.dialogs() == []
    assert opened.frontend.complaints == []


def test_it_opens_where_one_begins_to_read(opened: Visitor):
    assert opened.readable()
    assert inside(opened.around("FaceASamplePhotos"), opened.view())


def test_the_trainer_shows_how_far_it_is(first_run: FirstRun):
    bars = [moment.bar for moment in first_run.moments if moment.bar is not None]
    assert bars == sorted(bars)
    assert len(set(bars)) > 3
    steps = [moment.step for moment in first_run.moments if moment.step is not None]
    assert steps == sorted(steps)
    assert steps[-1] > STEPS / 2


def test_its_line_can_be_read(first_run: FirstRun):
    # Before the first step it says what it does, in the end what it has done.
    steps = [line for line in first_run.written if line.startswith("step ")]
    assert steps
    assert first_run.written[0] not in steps
    assert f"{STEPS} steps in" in first_run.written[-1]


def test_its_pictures_can_be_seen(first_run: FirstRun):
    working = [moment for moment in first_run.moments if moment.bar is not None and moment.picture]
    assert len({moment.step for moment in working}) > 1
    assert min(min(moment.picture) for moment in working if moment.picture) >= 128


def test_no_node_covers_another(first_run: FirstRun):
    assert first_run.overlaps == set()


def test_the_result_is_shown(opened: Visitor, first_run: FirstRun, tell: Tell):
    tell(f"first run in a browser, {STEPS} steps: {first_run.seconds:.0f} s to the picture")
    assert opened.moment("FaceASaveImage").picture == picture(first_run.result).size
    assert opened.frontend.dialogs() == []
    assert opened.frontend.complaints == []


def test_only_the_face_is_another(server: Server, first_run: FirstRun):
    """Inside the mask, which is asked for afterwards in a graph that is otherwise the same."""
    with Client(server.url) as client:
        (entry,) = client.history().values()
        graph = Graph(entry["prompt"][2])
        mask = graph.add("MaskToImage", mask=only(graph, "FaceAInpaintCompose").out(2))
        shown = graph.add("PreviewImage", images=mask)
        run = client.run(graph)
        assert run.executed == {mask.id, shown.id}
        (place,) = run.outputs[shown.id]["images"]
        inside = tensor(client.view(place))[:1] > 0
    samples = graph[only(graph, "FaceASamplePhotos").id]["inputs"]
    context = draw_cast(samples["person"], samples["size"]).context.image[0]
    changed = ((tensor(picture(first_run.result)) - context).abs() > 1 / 255).any(
        dim=0, keepdim=True
    )
    assert not (changed & ~inside).any()
    assert changed[inside].float().mean() > 0.5
    assert 0.05 < inside.float().mean() < 0.9


def test_the_help_opens_from_the_node(opened: Visitor):
    opened.look_at(opened.around(TRAINER))
    page = opened.help(TRAINER)
    page.locator("h1", has_text=NODES[TRAINER].title).wait_for()
    shown = page.locator("img").element_handle()
    opened.page.wait_for_function("picture => picture.naturalWidth > 0", arg=shown)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("face", list(NODES)),
        ("train", ["FaceAEmbeddingTrainer"]),
        ("inpaint face", ["FaceAInpaintCompose"]),
    ],
)
def test_plain_words_find_the_nodes(opened: Visitor, words: str, found: list[str]):
    offered = opened.search(words)
    try:
        for name in found:
            offered.filter(has_text=NODES[name].title).wait_for()
    finally:
        opened.close_search()


def test_the_library_has_a_folder_of_ours(opened: Visitor):
    leaves = opened.library("face")
    for node in NODES.values():
        leaves.filter(has_text=node.title).wait_for()


def picture(address: str) -> Image.Image:
    """What /view gives."""
    answer = requests.get(address, timeout=60)
    answer.raise_for_status()
    return Image.open(io.BytesIO(answer.content))


def tensor(image: Image.Image) -> torch.Tensor:
    """A picture (3, H, W), 0 to 1."""
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1) / 255
