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


ALONE = tuple(f"tests/host/test_{name}.py" for name in ("equality", "hints", "listing", "stock"))
"""Tests of ComfyUI's code without its server: they may run beside it."""


class OneHostScheduling(LoadFileScheduling):
    """A file's tests stay together, and so do all that share a ComfyUI: only one runs at a time."""

    def _split_scope(self, nodeid: str) -> str:
        shared = nodeid.startswith(("tests/host/", "tests/browser/"))
        return "host" if shared and not nodeid.startswith(ALONE) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneHostScheduling | None:
    """With `--dist loadfile`."""
    return OneHostScheduling(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture
def backbone() -> Iterator[Backbone]:
    """Untrained facea-tiny: one for all, and another once a test has left a mark on it."""
    tiny, before = shared_tiny()
    yield tiny
    if marks(tiny) != before:
        shared_tiny.cache_clear()
