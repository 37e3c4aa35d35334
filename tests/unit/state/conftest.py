"""Runs that were stopped and one that was not."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.training.state import STATE_FILE
from facea_core.training.writer import settle

from .training import bytes_of, train


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


@pytest.fixture
def interruptible():
    """As in a terminal: what a shell runs in the background does not listen to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    whole = random_backbone(0)
    small = replace(whole, spec=replace(whole.spec, resolution=32))
    return bytes_of(train(small, None), tmp_path_factory.mktemp("whole") / "a.safetensors")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two steps."""
    whole, run_dir = random_backbone(0), tmp_path_factory.mktemp("run")

    def stop(report) -> None:
        if report.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(whole, spec=replace(whole.spec, resolution=32)), run_dir, on_step=stop)
    settle()
    return run_dir / STATE_FILE
