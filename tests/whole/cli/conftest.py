"""A folder to work in."""

from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file
from skimage.data import astronaut

from facea_core.backbone.load import random_backbone, single_file_state

from .shell import train


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, a picture without a face, an untrained model and an identity."""
    folder = tmp_path_factory.mktemp("world")
    photo = Image.fromarray(astronaut()).crop((100, 0, 356, 256))
    photo.save(folder / "ada.png")
    photo.convert("L").save(folder / "grey.png")
    Image.new("RGB", (64, 64), "white").save(folder / "empty.png")
    Image.new("L", photo.size).save(folder / "black.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    (folder / "cut.png").write_bytes((folder / "ada.png").read_bytes()[:5000])
    (folder / "text.png").write_text("not a picture")
    state = single_file_state(random_backbone(0))
    save_file({key: value.clone().contiguous() for key, value in state.items()}, folder / "base")
    assert train(folder, "--out", folder / "ada.safetensors") == 0
    return folder


@pytest.fixture
def inside(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, which errors must leave empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
