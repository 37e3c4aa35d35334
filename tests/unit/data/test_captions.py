"""Captions of photos: read from files beside them, or a line for each."""

from dataclasses import replace
from pathlib import Path

import pytest

from facea_core.errors import ConfigError, ImageError
from facea_core.identity.subject import Subject
from facea_core.io.captions import LONGEST, caption_of, captions_for
from facea_core.io.photos import photos_fingerprint
from facea_core.training import TrainConfig
from facea_core.training.origin import Origin

from ..photos import make_photo


def test_a_caption_is_the_text_beside_the_photo(tmp_path: Path):
    photo = tmp_path / "one.jpg"
    assert caption_of(photo) == ""
    (tmp_path / "one.txt").write_bytes("\ufeffsmiling,\n at  night,\n".encode())
    assert caption_of(photo) == "smiling, at night"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80 night"])
def test_a_caption_that_is_no_text_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "one.txt").write_bytes(content)
    with pytest.raises(ImageError, match=r"one\.txt"):
        caption_of(tmp_path / "one.jpg")


def test_a_long_caption_is_refused(tmp_path: Path):
    (tmp_path / "one.txt").write_text("x" * (LONGEST + 1))
    with pytest.raises(ConfigError, match=r"one\.txt has 501 characters"):
        caption_of(tmp_path / "one.jpg")


@pytest.mark.parametrize("given", [["smiling\n\n at night \n"], ["smiling", "", "at night"]])
def test_captions_are_lines_or_a_list(given: list[str]):
    assert captions_for(given, 3) == ("smiling", "", "at night")


def test_no_captions_are_none():
    for given in ([], [None], [""], ["\n \n"], ["", ""]):
        assert captions_for(given, 3) == ("", "", "")


@pytest.mark.parametrize("given", [["smiling"], ["a\nb\nc\nd"], ["a", "b"]])
def test_another_number_of_captions_than_of_photos_is_refused(given: list[str]):
    with pytest.raises(ConfigError, match="for 3 photos"):
        captions_for(given, 3)


def test_a_changed_caption_is_seen(tmp_path: Path):
    (tmp_path / "one.jpg").write_bytes(b"")
    before = photos_fingerprint(tmp_path)
    (tmp_path / "one.txt").write_text("smiling")
    assert photos_fingerprint(tmp_path) != before


def test_photos_with_other_captions_are_another_training():
    photo, config, subject = make_photo(), TrainConfig(), Subject("ada", "woman")
    plain = Origin.of([photo], "base", config, subject)
    said = Origin.of([replace(photo, caption="smiling")], "base", config, subject)
    assert plain.key != said.key
