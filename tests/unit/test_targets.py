"""Where results are written: what cannot be written is refused before any work."""

import os
from pathlib import Path

import pytest
import torch

from facea_core.errors import AssetError
from facea_core.images import load_image, save_image
from facea_core.outputs import require_writable, write_json

LONG = [("a" * 248, ".png"), ("名" * 82, ".png"), ("a", "." + "b" * 250)]
PICTURE = torch.full((1, 3, 20, 20), 0.5)


@pytest.mark.parametrize(("stem", "ending"), LONG, ids=["letters", "chinese", "ending"])
def test_a_name_as_long_as_the_disk_takes_is_written(tmp_path, stem, ending):
    path = tmp_path / f"{stem}{ending}"
    assert len(os.fsencode(path.name)) >= 250
    require_writable(path)
    write_json({"a": 1}, path)
    assert path.read_text()
    if ending == ".png":
        save_image(PICTURE, path)
        assert load_image(path)[0].shape == PICTURE.shape
    assert list(tmp_path.iterdir()) == [path]


def test_a_longer_name_is_refused_before_any_work(tmp_path):
    for path in (tmp_path / ("a" * 252 + ".png"), tmp_path / ("a" * 300) / "b.png"):
        with pytest.raises(AssetError, match="File name too long"):
            require_writable(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are POSIX's here")
def test_pipes_devices_and_folders_are_refused_before_any_work(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("/dev/null")
    (tmp_path / "there.png").symlink_to(tmp_path / "pipe.png")
    for path in ("pipe.png", "folder.png", "link.png", "there.png", "/dev/null"):
        with pytest.raises(AssetError, match="cannot write"):
            require_writable(tmp_path / path)


def test_through_a_link_its_target_is_written(tmp_path):
    (tmp_path / "results").mkdir()
    target, link = tmp_path / "results" / "made.png", tmp_path / "made.png"
    link.symlink_to(Path("results", "made.png"))
    require_writable(link)
    for _ in range(2):
        save_image(PICTURE, link)
        assert link.is_symlink()
        assert load_image(target)[0].shape == PICTURE.shape
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["made.png", "made.png", "results"]
