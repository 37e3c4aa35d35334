"""A small real model for every test: untrained, on the CPU, one thread."""

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch

if not torch.cuda.is_available():
    # Before anything imports Triton: its interpreter runs kernels without a GPU.
    os.environ["TRITON_INTERPRET"] = "1"

from xdist.scheduler import LoadFileScheduling

from facea_core.backbone import Backbone

from .host.fixtures import (
    client,
    comfyui,
    graphs,
    host,
    next_prompt_runs,
    other_host,
    pytest_terminal_summary,
    tell,
)
from .tiny import marks, shared_tiny

# Fixtures and a hook, found here by their names.
__all__ = [
    "client",
    "comfyui",
    "graphs",
    "host",
    "next_prompt_runs",
    "other_host",
    "pytest_terminal_summary",
    "tell",
]


def pytest_configure() -> None:
    torch.set_num_threads(1)


def pytest_collection_finish() -> None:
    # A million objects of the libraries stay to the end: looking for garbage among them, and as
    # often as usual, took a tenth of the time.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


_ALONE = tuple(
    f"tests/host/test_{name}.py" for name in ("equality", "hints", "listing", "stock", "workflows")
)
"""Tests that use no ComfyUI of others: they may run beside those that do."""

_LONG = ("tests/host/", "tests/browser/", "tests/whole/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        # What takes long begins first, so that no worker is left with it when the others are done.
        items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


class SharedHostScheduling(LoadFileScheduling):
    """A file's tests stay together, and so do those of a folder that share a ComfyUI."""

    def _split_scope(self, nodeid: str) -> str:
        for folder in ("tests/host/", "tests/browser/"):
            if nodeid.startswith(folder) and not nodeid.startswith(_ALONE):
                return folder
        return super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedHostScheduling | None:
    """With `--dist loadfile`."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False  # or the files of most tests would come first
    return SharedHostScheduling(config, log)


@pytest.fixture
def backbone() -> Iterator[Backbone]:
    """Untrained facea-tiny: one for all, and another once a test has left a mark on it."""
    tiny, before = shared_tiny()
    yield tiny
    if marks(tiny) != before:
        shared_tiny.cache_clear()
