"""Runs that were stopped and one that was not."""

import signal
from pathlib import Path

import pytest

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.training.state import STATE_FILE
from facea_core.training.writer import settle

from ...narrow import quick
from .training import bytes_of, train


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return quick(backbone, 32)


@pytest.fixture
def interruptible():
    """As in a terminal: what a shell runs in the background does not listen to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    small = quick(random_backbone(0), 32)
    return bytes_of(train(small, None), tmp_path_factory.mktemp("whole") / "a.safetensors")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two steps."""
    small, run_dir = quick(random_backbone(0), 32), tmp_path_factory.mktemp("run")

    def stop(report) -> None:
        if report.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small, run_dir, on_step=stop)
    settle()
    return run_dir / STATE_FILE
