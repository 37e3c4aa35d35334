"""Fixtures of the tests that need a running ComfyUI, and the lines they add to pytest's summary.

    make test PYTEST_ARGS='tests/host'                     only these
    make test PYTEST_ARGS='tests/host -k trainer -s'       some of them
    COMFYUI_PATH=~/ComfyUI make test                       in a ComfyUI of your own
    FACEA_REQUIRE_HOST=1 make test                         a missing ComfyUI is an error

`make host` (part of `make test`) clones and installs ComfyUI once. Most tests share one server, the
session fixture `host`, whose folder starts empty and lies below pytest's temporary folder, the log
beside it; some share `other_host`. Starting one takes ten to twenty seconds.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from .client import Client
from .faces import photos
from .graph import Graph
from .install import ROOT, NotReadyError, find, required
from .server import Server

_LEFT_OUT = "NO COMFYUI"
_FIGURE = "host figure"

WORKFLOWS = ROOT / "workflows" / "api"
ADAPTER = Path(__file__).with_name("adapter_node.py")

Tell = Callable[[str], None]
"""Called with a line for pytest's summary: something measured, worth a look even when it passed."""


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """The ComfyUI checkout; without one the test is skipped, or fails where one is required."""
    try:
        return find()
    except NotReadyError as error:
        reason = str(error)
    if required():
        pytest.fail(f"ComfyUI is required: {reason}", pytrace=False)
    pytest.skip(f"{_LEFT_OUT}: {reason}")


@pytest.fixture(scope="session")
def host(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all tests share."""
    with Server(comfyui, tmp_path_factory.mktemp("host") / "base") as server:
        yield server


@pytest.fixture(scope="session")
def other_host(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another one, set up as some do: without metadata in pictures, with another pack's node, and
    with a second folder of LoRAs and embeddings, which is `more` beside its own.
    """
    folder = tmp_path_factory.mktemp("other")
    more, paths = folder / "more", folder / "extra.yaml"
    more.mkdir()
    paths.write_text(f"more:\n  base_path: {more}\n  loras: loras\n  embeddings: embeddings\n")
    options = ("--disable-metadata", "--extra-model-paths-config", str(paths))
    server = Server(comfyui, folder / "base", *options)
    shutil.copy(ADAPTER, server.base / "custom_nodes" / ADAPTER.name)
    with server:
        yield server


@pytest.fixture
def client(host: Server) -> Iterator[Client]:
    with Client(host.url) as client:
        yield client


@pytest.fixture
def next_prompt_runs(client: Client) -> Iterator[None]:
    """After the test, ComfyUI must still work."""
    yield
    graph = Graph()
    shown = graph.add("PreviewImage", images=photos(graph, person=8, count=1)[1].out(3))
    assert client.run(graph).outputs[shown.id]["images"]


@pytest.fixture
def graphs() -> Callable[[str], dict[str, Any]]:
    """Loads workflows/api/<name>.json; each call gives a graph of its own."""

    def load(name: str) -> dict[str, Any]:
        return json.loads((WORKFLOWS / f"{name}.json").read_text("utf-8"))

    return load


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    return lambda line: record_property(_FIGURE, line)


def versions(comfyui: Path) -> str:
    """What the tests ran in, for the summary."""
    core = comfyui / "comfyui_version.py"
    number = core.read_text("utf-8").split('"')[1] if core.is_file() else "?"
    try:
        front = metadata.version("comfyui-frontend-package")
    except metadata.PackageNotFoundError:
        front = "?"
    front = os.environ.get("FACEA_FRONT_END", front)
    return f"ComfyUI {number}, front end {front}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was measured, and one loud line if the tests inside ComfyUI were left out."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    lines = [
        line
        for report in reports
        for name, line in getattr(report, "user_properties", [])
        if name == _FIGURE and report.when == "call"
    ]
    if lines:
        terminalreporter.section(f"measured in {versions(find())}")
        for line in lines:
            terminalreporter.write_line(line)
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if _LEFT_OUT in str(r.longrepr)]
    if skipped:
        reason = str(skipped[0].longrepr[2]).removeprefix("Skipped: ")
        terminalreporter.write_line(
            f"!!! {len(skipped)} tests left out. {reason}", yellow=True, bold=True
        )
