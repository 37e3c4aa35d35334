"""Every format holds the same pictures, labels and captions, and is replaced as a whole."""

import json
import os
import random
import signal
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from facea_core.dataset.formats import (
    FORMATS,
    HELP,
    parse_formats,
    require_own,
    write_formats,
)
from facea_core.dataset.formats.names import NEEDS
from facea_core.dataset.formats.replaced import replaced
from facea_core.dataset.formats.sources import class_names
from facea_core.dataset.manifest import write_manifest
from facea_core.errors import AssetError, ConfigError, FaceAError, MissingDependencyError

from .small_set import files_in, make_set

MARK = b"http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture(params=FORMATS)
def form(request) -> str:
    if request.param in NEEDS:
        pytest.importorskip(NEEDS[request.param])
    return request.param


def test_names_are_read_in_any_order():
    assert parse_formats("kohya, aligned folder,kohya") == ("folder", "aligned", "kohya")
    assert set(HELP) == set(FORMATS)
    with pytest.raises(ConfigError, match="'recodio' .* nearest is 'recordio'"):
        parse_formats("folder,recodio")
    with pytest.raises(ConfigError, match="no format"):
        parse_formats(" , ")


def test_a_missing_package_is_said_before_anything_is_written(tmp_path, monkeypatch):
    pictures = make_set(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    remedy = "webdataset, parquet: pip install webdataset pyarrow"
    with pytest.raises(MissingDependencyError, match=remedy):
        write_formats(tmp_path, pictures, FORMATS)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_the_same_pictures_give_the_same_bytes(tmp_path, form):
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, [form])
    first = files_in(tmp_path)
    assert len(first) > len(pictures)
    write_formats(tmp_path, pictures, [form])
    assert files_in(tmp_path) == first


def test_a_home_in_a_folders_name_is_none(tmp_path, form, monkeypatch):
    """Arrow opened a file in somebody's home where the others wrote into the folder called ~."""
    monkeypatch.chdir(tmp_path)
    pictures = make_set(Path("~", "set"))
    write_formats(Path("~", "set"), pictures, [form])
    write_manifest(Path("~", "set"), pictures)
    assert [path.name for path in tmp_path.iterdir()] == ["~"]


def test_formats_that_are_older_than_a_picture_are_named(tmp_path):
    pictures = make_set(tmp_path)
    assert write_formats(tmp_path, pictures, ["folder", "kohya"]) == ()
    assert write_formats(tmp_path, pictures, ["aligned"])[1:] == ()
    before = (tmp_path / pictures[0].path).stat().st_mtime + 100
    os.utime(tmp_path / pictures[0].path, (before, before))
    notes = write_formats(tmp_path, pictures, ["aligned"])[1:]
    assert [note.split()[0] for note in notes] == ["images/metadata.jsonl", "kohya"]
    assert all("shows other pictures" in note for note in notes)


@pytest.mark.parametrize("name", ["README.md", "kohya"])
def test_what_belongs_to_no_set_is_not_replaced(tmp_path, name):
    require_own(tmp_path / "none yet", ["kohya"])
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=f"{name} is there and belongs to no set"):
        require_own(tmp_path, ["folder", "kohya"])
    (tmp_path / "manifest.jsonl").touch()
    require_own(tmp_path, ["folder", "kohya"])


def test_every_picture_says_that_it_was_generated(tmp_path, form):
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, [form])
    files = files_in(tmp_path / ("images" if form == "folder" else form))
    kept = len(pictures) - (form in ("aligned", "recordio"))
    assert sum(data.count(MARK) for data in files.values()) == kept


def test_what_an_earlier_run_wrote_is_gone(tmp_path, form):
    pictures = make_set(tmp_path / "again")
    make_set(tmp_path / "once")
    write_formats(tmp_path / "again", pictures, [form])
    for folder in ("again", "once"):
        write_formats(tmp_path / folder, pictures[:4], [form])
    assert files_in(tmp_path / "again") == files_in(tmp_path / "once")


def test_a_folder_is_an_image_folder(tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, ["folder", "aligned"])
    read = datasets.ImageFolder(tmp_path / "images")
    assert read.classes == ["0000_ada", "0001_bob", "0002_eva"]
    assert read.targets == [one.label for one in pictures]
    assert len(datasets.ImageFolder(tmp_path / "aligned")) == len(pictures) - 1
    lines = (tmp_path / "images" / "metadata.jsonl").read_text("utf-8").splitlines()
    names = [json.loads(line)["file_name"] for line in lines]
    assert names == [one.path.removeprefix("images/") for one in pictures]


def test_web_datasets_are_read_in_mixed_order(tmp_path, monkeypatch):
    library = pytest.importorskip("webdataset")
    module = import_module("facea_core.dataset.formats.webdataset")
    monkeypatch.setattr(module, "MOST", 4)
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, ["webdataset"])
    tars = sorted(str(path) for path in (tmp_path / "webdataset").iterdir())
    assert [os.path.basename(tar) for tar in tars] == [f"train-{i:06d}.tar" for i in range(3)]
    samples = list(library.WebDataset(tars, shardshuffle=False, empty_check=False))
    keys = [sample["__key__"] for sample in samples]
    assert sorted(keys) == [f"{i:08d}" for i in range(len(pictures))]
    assert keys != sorted(keys)
    for sample in samples:
        one = pictures[int(sample["__key__"])]
        assert sample["jpg"] == (tmp_path / one.path).read_bytes()
        assert int(sample["cls"]) == one.label
        assert json.loads(sample["json"]) == one.row()
    monkeypatch.setattr(module, "LARGEST", 1)
    write_formats(tmp_path, pictures, ["webdataset"])
    assert len(list((tmp_path / "webdataset").iterdir())) == len(pictures)


def test_people_of_one_name_have_classes_of_their_own(tmp_path):
    (some,) = make_set(tmp_path, ("ada",), 1)

    def named(label, name):
        return replace(some, label=label, identity=name, path=f"images/{label:04d}_{name}/0.jpg")

    assert class_names([named(0, "ada"), named(2, "bob")]) == ["ada", "0001", "bob"]
    assert class_names([named(0, "ada"), named(1, "ada")]) == ["0000_ada", "0001_ada"]


def test_lora_trainers_find_captions_beside_pictures(tmp_path):
    names = ("ada", "ada", "Zoë: <x>/..", "***")
    pictures = make_set(tmp_path, names, 2)
    pictures = [replace(one, caption=f"ein Foto, größer, {i}") for i, one in enumerate(pictures)]
    write_formats(tmp_path, pictures, ["kohya"])
    folders = sorted(path.name for path in (tmp_path / "kohya").iterdir())
    assert folders == ["10_Zoë_x", "10_ada_0000", "10_ada_0001", "10_person"]
    assert all(name.split("_")[0].isdigit() for name in folders)
    captions = set()
    for jpeg in (tmp_path / "kohya").rglob("*.jpg"):
        text = jpeg.with_suffix(".txt").read_text("utf-8")
        captions.add(text)
        (one,) = (one for one in pictures if one.caption == text)
        assert os.path.samefile(jpeg, tmp_path / one.path)
    assert len(captions) == len(pictures)


def test_disks_without_links_get_copies(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError("no links here")

    pictures = make_set(tmp_path)
    monkeypatch.setattr(os, "link", refused)
    write_formats(tmp_path, pictures, ["kohya"])
    copy = tmp_path / "kohya" / "10_ada" / "000.jpg"
    assert copy.read_bytes() == (tmp_path / pictures[0].path).read_bytes()
    assert not os.path.samefile(copy, tmp_path / pictures[0].path)


def test_a_picture_that_is_not_as_described_is_named(tmp_path, form):
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, [form])
    before = files_in(tmp_path)
    file = tmp_path / pictures[4].path
    data = file.read_bytes()
    file.unlink()  # to write into it would change what is linked to it
    file.write_bytes(data + b"\0")
    with pytest.raises(AssetError, match="0001_bob/001.jpg is not the picture"):
        write_formats(tmp_path, pictures, [form])
    file.unlink()
    with pytest.raises(AssetError, match="cannot read .*0001_bob/001.jpg"):
        write_formats(tmp_path, pictures, [form])
    file.write_bytes(data)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "../secret.jpg"}, "has to be images/person/name.jpg"),
        ({"path": "images/../000.jpg"}, "has to be"),
        ({"path": "images/0000_ada/..\\000.jpg"}, "has to be"),
        ({"path": "images/0000_ada/000.png"}, "has to be"),
        ({"path": "images/0000_ada/001.jpg"}, "is there twice"),
        ({"path": "images/0001_bob/009.jpg"}, "belongs to another person"),
        ({"label": 1}, "belongs to another person"),
        ({"label": -1}, "give one from 0"),
        ({"split": "../train"}, "give one word"),
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(tmp_path, form, change, reason):
    pictures = make_set(tmp_path)
    pictures[0] = replace(pictures[0], **change)
    with pytest.raises(ConfigError, match=reason):
        import_module(f"facea_core.dataset.formats.{form}").write(tmp_path, pictures)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_no_pictures_and_no_room_are_refused(tmp_path, form):
    with pytest.raises(ConfigError, match="no pictures"):
        write_formats(tmp_path, [], [form])
    (tmp_path / "taken").write_text("")
    with pytest.raises(FaceAError, match="taken"):
        write_formats(tmp_path / "taken", make_set(tmp_path), [form])


def test_pictures_of_other_splits_stay_apart(tmp_path):
    pytest.importorskip("webdataset")
    pytest.importorskip("pyarrow")
    pictures = make_set(tmp_path)
    pictures[0] = replace(pictures[0], split="test")
    notes = write_formats(tmp_path, pictures, ["webdataset", "parquet", "kohya"])
    assert notes == ("kohya: 1 pictures of other splits than train left out",)
    names = set(files_in(tmp_path))
    assert {"webdataset/test-000000.tar", "webdataset/train-000000.tar"} <= names
    assert {f"parquet/data/{s}-00000-of-00001.parquet" for s in ("test", "train")} <= names
    assert "kohya/10_ada/000.jpg" not in names


def test_a_killed_writing_leaves_the_old_files(tmp_path):
    pictures = make_set(tmp_path)
    write_formats(tmp_path, pictures, ["kohya"])
    before = files_in(tmp_path / "kohya")
    child = os.fork()
    if child == 0:
        with replaced(tmp_path, "kohya") as stage:
            (stage / "half").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert files_in(tmp_path / "kohya") == before
    assert (tmp_path / ".kohya.new").is_dir()
    # Killed between its two renames: the next writing, even one that fails, finds the old files.
    (tmp_path / "kohya").rename(tmp_path / ".kohya.old")
    missing = [replace(one, sha256="0" * 64) for one in pictures]
    with pytest.raises(AssetError):
        write_formats(tmp_path, missing, ["kohya"])
    assert files_in(tmp_path / "kohya") == before
    write_formats(tmp_path, pictures, ["kohya"])
    assert files_in(tmp_path / "kohya") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "kohya"]


def test_the_order_of_formats_does_not_matter(tmp_path):
    pictures = make_set(tmp_path)
    chosen = ["folder", "aligned", "recordio", "kohya"]
    write_formats(tmp_path, pictures, chosen)
    before = files_in(tmp_path)
    random.Random(0).shuffle(chosen)
    write_formats(tmp_path, pictures, chosen)
    assert files_in(tmp_path) == before
