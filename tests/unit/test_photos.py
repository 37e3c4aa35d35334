"""A folder as people keep it, and the photos in it: which, in which order, and what can be read."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from facea_core.cli import main
from facea_core.errors import ConfigError, ImageError
from facea_core.io.images import load_image
from facea_core.io.photos import (
    BY_NAME,
    NEWEST,
    OLDEST,
    name_in,
    photo_files,
    photos_fingerprint,
    photos_of,
    read_photos,
)


def photo(path: Path, size: tuple[int, int] = (40, 30), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_mandelbrot(size, (-2, -1, 1, 1), 30).convert("RGB").save(path, **options)
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Photos among what phones, cameras and file managers leave beside them."""
    folder = tmp_path / "album"
    for name in ("IMG_10.JPG", "img_9.jpg", "Ada.png", "sub/far.webp", ".trash/gone.png"):
        photo(folder / name)
    for name in (".DS_Store", "._img_9.jpg", "img_9.txt", "Thumbs.db"):
        (folder / name).write_bytes(b"no picture")
    return folder


def names(folder: Path, *args: object, **options: bool) -> list[str]:
    return [name_in(folder, path) for path in photo_files(folder, *args, **options)]  # type: ignore


def test_only_photos_are_found_and_numbers_count(album: Path):
    assert names(album) == ["Ada.png", "img_9.jpg", "IMG_10.JPG"]
    assert names(album, deep=True) == ["Ada.png", "img_9.jpg", "IMG_10.JPG", "sub/far.webp"]


def test_by_age(album: Path):
    for age, name in enumerate(("img_9.jpg", "IMG_10.JPG", "Ada.png")):
        os.utime(album / name, (1e9 - age, 1e9 - age))
    assert names(album, NEWEST) == ["img_9.jpg", "IMG_10.JPG", "Ada.png"]
    assert names(album, OLDEST) == ["Ada.png", "IMG_10.JPG", "img_9.jpg"]


def test_photos_of_one_age_stand_by_name(album: Path):
    for path in photo_files(album):
        os.utime(path, (1e9, 1e9))
    assert names(album, NEWEST) == names(album, OLDEST) == names(album, BY_NAME)


def test_links_lead_to_photos_but_not_in_circles(album: Path):
    (album / "round").symlink_to(album, target_is_directory=True)
    (album / "linked.png").symlink_to(album / "Ada.png")
    (album / "broken.png").symlink_to(album / "nothing.png")
    os.mkfifo(album / "pipe.png")
    found = names(album, deep=True)
    assert found == ["Ada.png", "img_9.jpg", "IMG_10.JPG", "linked.png", "sub/far.webp"]


@pytest.mark.parametrize("name", ["nothing", "file.txt", "empty", "no\0name", "x" * 300])
def test_what_is_no_folder_of_photos_is_refused(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(ImageError, match="folder"):
        photo_files(f"{tmp_path}/{name}")


def test_a_folder_as_large_as_a_disk_is_refused(album: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("facea_core.io.photos.MOST_ENTRIES", 5)
    with pytest.raises(ConfigError, match="more than 5 files"):
        photo_files(album, deep=True)
    assert photos_fingerprint(album, deep=True)


def test_an_order_that_is_none_is_refused(album: Path):
    with pytest.raises(ConfigError, match="newest first"):
        photo_files(album, "newest")


def test_each_keeps_its_size_and_what_cannot_be_read_ends_nothing(album: Path):
    turned = Image.Exif()
    turned[0x0112] = 6
    photo(album / "Ada.png", (64, 48))
    photo(album / "img_9.jpg", (50, 20), exif=turned)
    whole = (album / "IMG_10.JPG").read_bytes()
    (album / "IMG_10.JPG").write_bytes(whole[: len(whole) // 2])
    photo(album / "small.png", (8, 8))
    read = list(read_photos(photo_files(album, deep=True)))
    shapes = [None if one.image is None else tuple(one.image.shape[2:]) for one in read]
    assert shapes == [(48, 64), (50, 20), None, None, (30, 40)]
    assert "upright" in read[1].notes[0]
    assert all(len(one.notes) == 1 for one in read if one.image is None)
    assert torch.equal(read[0].image, load_image(album / "Ada.png")[0])  # type: ignore


def test_a_limit_counts_what_could_be_read(album: Path):
    (album / "Ada.png").write_bytes(b"no picture")
    read = list(read_photos(photo_files(album), limit=1))
    assert [one.image is None for one in read] == [True, False]
    tried: list[tuple[int, int]] = []
    list(read_photos(photo_files(album), 0, lambda *at: tried.append(at)))
    assert tried == [(0, 3), (1, 3), (2, 3)]


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"none of 1 photos .*a\.png"):
        list(read_photos(photo_files(tmp_path)))


@pytest.mark.parametrize("limit", [-1, 1001, 2.5, float("nan")])
def test_limits_that_are_none(album: Path, limit: int):
    with pytest.raises(ConfigError, match="limit"):
        list(read_photos(photo_files(album), limit))


def test_more_than_is_read_at_once_needs_a_limit(album: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("facea_core.io.photos.MOST", 2)
    with pytest.raises(ConfigError, match="3 photos, more than 2"):
        list(read_photos(photo_files(album)))
    assert len(list(read_photos(photo_files(album), limit=2))) == 2


def test_photos_that_do_not_fit_into_memory_are_refused(
    album: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("facea_core.machine.available_memory", lambda: 1000)
    with pytest.raises(ConfigError, match="limit"):
        list(read_photos(photo_files(album)))


def test_the_fingerprint_follows_photos_and_captions_and_nothing_else(album: Path):
    seen = [photos_fingerprint(album)]
    (album / "img_9.xmp").write_text("another note")
    photo(album / "sub" / "new.png")
    assert photos_fingerprint(album) == seen[0]
    for change in (
        lambda: photo(album / "new.png"),
        lambda: photo(album / "new.png", (80, 80)),
        lambda: os.utime(album / "new.png", (1e9, 1e9)),
        lambda: (album / "new.png").rename(album / "newer.png"),
        lambda: (album / "newer.png").unlink(),
        lambda: shutil.rmtree(album),
    ):
        change()
        seen.append(photos_fingerprint(album))
    assert seen.pop(5) == seen[0]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["", "nothing", "no\0name", "\udcff", "x" * 5000])
def test_a_fingerprint_is_always_had(name: str):
    assert photos_fingerprint(name) == photos_fingerprint(name)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_in_no_encoding_can_be_shown(tmp_path: Path):
    photo(tmp_path / os.fsdecode(b"caf\xe9.png"))
    (name,) = names(tmp_path)
    assert name.encode()
    assert name.startswith("caf")


def test_a_folder_among_files(album: Path, tmp_path: Path):
    one = photo(tmp_path / "one.png")
    assert photos_of([one, album]) == (one, *photo_files(album))
    assert photos_of([tmp_path / "nothing.png"]) == (tmp_path / "nothing.png",)


def test_the_shell_takes_a_folder(
    album: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(album.parent)
    flags = ("--detector", "tiny", "--on-missing", "skip", "--json", "-")
    assert main(["detect", "album", *flags]) in (0, 1)
    assert "Is a directory" not in capsys.readouterr().err
    assert main(["audit", "album", "--detector", "tiny", "--embedder", "none", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)["photos"]
    assert [one["name"] for one in told] == ["Ada.png", "img_9.jpg", "IMG_10.JPG"]
