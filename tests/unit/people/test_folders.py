"""Who is to be learned, out of folders and files of class nouns."""

from pathlib import Path

import pytest

from facea_core.errors import ConfigError, ImageError
from facea_core.people import people_fingerprint, people_in, read_classes


def crowd(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "1.png").touch()
    return folder


def test_a_person_is_called_as_the_folder_is(tmp_path: Path):
    crowd(tmp_path, "ada", "Ben King", ".hidden")
    (tmp_path / "out").mkdir()
    (tmp_path / "notes.txt").touch()
    ada, ben = people_in(tmp_path, "person", apart=tmp_path / "out")
    assert (ada.name, ada.class_noun, ada.notes) == ("ada", "person", ())
    assert ada.photos == (tmp_path / "ada" / "1.png",)
    assert ben.name == "ben-king"
    assert "'Ben King' is saved as ben-king" in ben.notes


def test_the_nearest_class_noun_counts(tmp_path: Path):
    crowd(tmp_path, "ada", "Ben King", "cleo", "dan")
    (tmp_path / "cleo" / "class.txt").write_text(" girl \n", "utf-8")
    classes = {"ada": "woman", "Ben King": "man", "cleo": "woman"}
    nouns = [one.class_noun for one in people_in(tmp_path, "person", classes)]
    assert nouns == ["woman", "man", "girl", "person"]
    *_, dan = people_in(tmp_path, "", classes)
    assert "no class noun" in dan.problem


def test_who_cannot_be_learned_is_somebody_with_a_problem(tmp_path: Path):
    crowd(tmp_path, "Ada L", "ada-l", "ада", "train-all")
    (tmp_path / "zoe").mkdir()
    (tmp_path / "ida").mkdir()
    (tmp_path / "ida" / "1.jpg").touch()
    (tmp_path / "ida" / "class.txt").write_bytes(b"\xff\xfe")
    problems = {one.folder.name: one.problem for one in people_in(tmp_path, "person")}
    assert problems["Ada L"] == ""
    assert "Ada L has the name ada-l already" in problems["ada-l"]
    assert "may hold only a-z" in problems["ада"]
    assert "train-all.json is the report's" in problems["train-all"]
    assert "no photo" in problems["zoe"]
    assert "cannot read" in problems["ida"]


def test_nothing_is_written_among_the_photos_of_a_person(tmp_path: Path):
    crowd(tmp_path, "ada", "ben")
    with pytest.raises(ConfigError, match=r"ada, which is a person's: 1\.png lies in it"):
        people_in(tmp_path, "person", apart=tmp_path / "ada")
    with pytest.raises(ConfigError, match="a person's"):
        people_in(tmp_path, "person", apart=tmp_path / "ben" / ".." / "ada")


def test_previews_and_sheets_in_the_folder_that_is_nobodys_are_no_photos(tmp_path: Path):
    crowd(tmp_path, "ada")
    (tmp_path / "made").mkdir()
    for name in ("ada.safetensors", "ada.jpg", "ben.json", "ben.jpg", "sheet.jpg"):
        (tmp_path / "made" / name).touch()
    assert [one.name for one in people_in(tmp_path, "man", apart=tmp_path / "made")] == ["ada"]


def test_names_that_cannot_be_are_told_in_a_line(tmp_path: Path):
    crowd(tmp_path, "two\nlines", "x" * 200)
    two, long = people_in(tmp_path, "person")
    assert (two.name, len(long.name)) == ("two lines", 80)
    assert two.problem
    assert long.problem


def test_the_fingerprint_tells_of_photos_and_class_nouns(tmp_path: Path):
    crowd(tmp_path, "ada", "ben")
    seen = [people_fingerprint(tmp_path)]
    (tmp_path / "notes.txt").touch()
    assert people_fingerprint(tmp_path) == seen[0]
    (tmp_path / "ada" / "2.png").touch()
    seen.append(people_fingerprint(tmp_path))
    (tmp_path / "ben" / "class.txt").write_text("man", "utf-8")
    seen.append(people_fingerprint(tmp_path))
    (tmp_path / "cleo").mkdir()
    seen.append(people_fingerprint(tmp_path))
    assert len(set(seen)) == 4
    assert people_fingerprint(tmp_path / "none") == people_fingerprint("no\0name")


@pytest.mark.parametrize("name", ["empty", "none", "no\0name"])
def test_a_folder_without_folders_is_refused(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError):
        people_in(tmp_path / name, "person")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("classes.json", '{"ada": "woman", "Ben King": "young man"}'),
        ("classes.csv", "name,class\nada,woman\n\nBen King, young man\n"),
        ("classes.txt", '\ufeffada,woman,what else\n"Ben King","young man"\n'),
    ],
)
def test_classes_are_read(tmp_path: Path, file: str, text: str):
    (tmp_path / file).write_text(text, "utf-8")
    assert read_classes(tmp_path / file) == {"ada": "woman", "Ben King": "young man"}


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("classes.json", "[]", "not a JSON object"),
        ("classes.json", '{"ada": 3}', "of ada"),
        ("classes.csv", "ada\n", "'ada' without a class noun"),
        ("classes.csv", "ada,\n", "of ada"),
    ],
)
def test_bad_classes_are_refused(tmp_path: Path, file: str, text: str, complaint: str):
    (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=complaint):
        read_classes(tmp_path / file)
    with pytest.raises(ConfigError, match="cannot read"):
        read_classes(tmp_path / "none.csv")
