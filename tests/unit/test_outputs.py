"""Output files are checked before the work and appear whole or not at all."""

import errno
import json
import os

import pytest

from facea_core.errors import AssetError
from facea_core.io.images import atomic_path
from facea_core.io.output_files import (
    require_writable,
    require_writable_folder,
    staged,
    write_json,
)


def test_a_writable_place_passes_and_nothing_is_left(tmp_path):
    require_writable(tmp_path / "new" / "deeper" / "file.png", None, tmp_path / "other.json")
    require_writable_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(AssetError, match="taken"):
        require_writable(tmp_path / "taken" / "result.png")


def test_a_folder_is_no_file_name(tmp_path):
    with pytest.raises(AssetError, match="it is a folder"):
        require_writable(tmp_path)


def test_a_read_only_file_system_is_refused():
    if not os.path.isdir("/proc/self"):
        pytest.skip("needs /proc, which nobody can write into")
    with pytest.raises(AssetError, match="cannot write into /proc"):
        require_writable("/proc/self/result.png")


def test_a_full_disk_is_refused(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AssetError, match="No space left"):
        require_writable(tmp_path / "result.png")
    assert list(tmp_path.iterdir()) == []


def test_json_is_written_whole(tmp_path):
    write_json({"a": [1, 2], "ö": "ü"}, tmp_path / "sub" / "x.json")
    assert json.loads((tmp_path / "sub" / "x.json").read_text("utf-8")) == {"a": [1, 2], "ö": "ü"}


def test_staged_files_arrive_together(tmp_path):
    target = tmp_path / "out"
    with staged(target) as stage:
        (stage / "a.txt").write_text("a")
        (stage / "b.txt").write_text("b")
        assert not target.exists()
    assert sorted(p.name for p in target.iterdir()) == ["a.txt", "b.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_staged_files_vanish_with_an_exception(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("old")

    def fails():
        with staged(tmp_path / "out") as stage:
            (stage / "a.txt").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "a.txt").read_text() == "old"


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0b.png"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    for refuse in (require_writable, lambda path: write_json({}, path)):
        with pytest.raises(AssetError, match="cannot write") as raised:
            refuse(tmp_path / name)
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize("name", ["x" * 250 + ".json", "名" * 83 + ".json", "a." + "x" * 250])
def test_a_name_as_long_as_a_file_can_have_is_written(tmp_path, name):
    path = tmp_path / name
    require_writable(path)
    write_json({}, path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_what_is_no_plain_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    link = tmp_path / "link.json"
    link.symlink_to(pipe)
    for place in (pipe, link, "/dev/null"):
        for refuse in (require_writable, lambda path: write_json({}, path)):
            with pytest.raises(AssetError, match="no plain file"):
                refuse(place)
    assert pipe.is_fifo()


def test_a_symbolic_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("old.json", "new.json"):
        (tmp_path / name).symlink_to(tmp_path / "there" / name)
    (tmp_path / "there" / "old.json").write_text("")
    for name in ("old.json", "new.json"):
        require_writable(tmp_path / name)
        write_json({"a": 1}, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert json.loads((tmp_path / "there" / name).read_text()) == {"a": 1}


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(AssetError, match="cannot write"):
        require_writable(tmp_path / "a")
    with pytest.raises(AssetError, match="cannot write"), atomic_path(tmp_path / "a"):
        pass
