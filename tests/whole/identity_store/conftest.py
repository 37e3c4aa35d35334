"""Ada, trained once for the tests of a file."""

import shutil
from pathlib import Path

import pytest

from facea_core.backbone import Backbone
from facea_core.identity_store.store import (
    Trained,
)

from ...unit.learner import make_backbone
from .learning import learn


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """One for all: training gives it back as it was."""
    return make_backbone()


@pytest.fixture(scope="module")
def first(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Ada, trained without a break."""
    return learn(backbone, tmp_path_factory.mktemp("first"))


@pytest.fixture
def place(first: Trained, tmp_path: Path) -> Path:
    """A copy of the place in which Ada was trained."""
    shutil.copytree(first.path.parent, tmp_path / "facea")
    return tmp_path
