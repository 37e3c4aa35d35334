"""facea template and facea portrait: pictures become templates, people are painted into them."""

import json
from pathlib import Path

import pytest
import torch

from facea_core.cli import main
from facea_core.demo import draw_cast
from facea_core.io.images import load_image, save_image

TINY = ["--base", "tiny", "--device", "cpu", "--detector", "tiny"]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people learned in two steps each, photos of them, and three pictures."""
    folder = tmp_path_factory.mktemp("studio")
    for name, number in (("ada", 3), ("ben", 5)):
        (folder / name).mkdir()
        for i, photo in enumerate(draw_cast(number, 128).photos.image.split(1)):
            save_image(photo, folder / name / f"{i}.png")
        small = ["--preset", "tiny", "--rank", "4", "--batch", "1", "--variants", "1"]
        learn = ["train", folder / name, "--name", name, "--class", "person", "--steps", "2"]
        words = [*learn, "--out", folder / f"{name}.safetensors", *small, *TINY]
        assert main([str(word) for word in words]) == 0
    pairs = {"party": (50, 44), "beach": (60, 61)}
    for name, people in pairs.items():
        image = torch.cat([draw_cast(n, 192).photos.image[:1] for n in people], dim=3)
        save_image(image, folder / f"{name}.png")
    save_image(torch.full((1, 3, 96, 96), 0.3), folder / "wall.png")
    return folder


def run(command: str, *words: object) -> int:
    return main([command, *map(str, words)])


def portrait(studio: Path, out: Path, *words: object) -> int:
    people = ["--identity", studio / "ada.safetensors", studio / "ben.safetensors"]
    quick = ["--steps", "2", "--candidates", "2"]
    return run("portrait", *words, *people, "--out", out, *quick, *TINY)


def test_templates_are_added_and_people_painted_into_them(studio: Path, tmp_path: Path, capsys):
    folder, out = tmp_path / "templates", tmp_path / "made"
    pictures = [studio / f"{name}.png" for name in ("party", "beach", "wall")]
    add = ["--into", folder, "--people", "2", "--resolution", "128", "--detector", "tiny"]
    assert run("template", "add", *pictures, *add, "--prompt", "at night") == 0
    said = capsys.readouterr()
    assert "wall.png: not fit, 0 of 2 faces found" in said.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "beach.png", "beach.template.json", "party.png", "party.template.json",
    ]  # fmt: skip
    photos = ["--photos", studio / "ada", studio / "ben"]
    assert portrait(studio, out, folder, *photos) == 0
    made = json.loads((out / "portraits.json").read_text())["portraits"]
    assert sorted(one["template"] for one in made) == ["beach", "party"]
    assert [one["score"] for one in made] == sorted((one["score"] for one in made), reverse=True)
    assert all(len(one["crops"]) == 2 for one in made)
    for one in made:
        before = load_image(folder / f"{one['template']}.png")[0]
        after = load_image(out / one["image"])[0]
        assert after.shape == before.shape
        assert not torch.equal(after, before)
    assert (out / "sheet.png").is_file()
    again = tmp_path / "again"
    assert portrait(studio, again, folder, *photos) == 0
    for one in made:
        assert (again / one["image"]).read_bytes() == (out / one["image"]).read_bytes()


def test_what_is_painted_already_is_found_and_ranked_with_the_others(studio: Path, tmp_path: Path):
    both = [studio / f"{name}.png" for name in ("party", "beach")]
    whole, out = tmp_path / "whole", tmp_path / "made"
    assert portrait(studio, whole, *both) == 0
    names = {path.name for path in whole.iterdir()}
    # A run that was stopped after the first.
    assert portrait(studio, out, both[0]) == 0
    painted = (out / "01-party.png").stat().st_mtime_ns
    assert portrait(studio, out, *both) == 0
    (party,) = out.glob("*-party.png")
    assert party.stat().st_mtime_ns == painted
    assert {path.name for path in out.iterdir()} == names
    for name in names - {".parts"}:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    # What is no more asked for goes, but for what somebody changed; a spoiled one is made again.
    listed = json.loads((out / "portraits.json").read_text())["portraits"]
    (kept,) = (one["image"] for one in listed if one["template"] == "beach")
    (out / kept).unlink()
    (out / kept).write_bytes(b"retouched")
    party.unlink()
    assert portrait(studio, out, both[0]) == 0
    assert {path.name for path in out.glob("*-*.png")} == {"01-party.png", kept}
    assert [path.suffix for path in (out / ".parts").iterdir()] == [".json"]
    assert (out / "01-party.png").read_bytes() == (whole / party.name).read_bytes()


def test_a_picture_that_cannot_be_read_is_left_out(studio: Path, tmp_path: Path, capsys):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert portrait(studio, tmp_path / "made", tmp_path / "broken.png", studio / "party.png") == 0
    assert "broken: not fit" in capsys.readouterr().err
    check = ["check", tmp_path / "broken.png", studio / "party.png"]
    assert run("template", *check, "--resolution", "128", "--detector", "tiny") == 0
    assert "broken.png: not fit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wall.png"], "none of the 1 templates is fit for 2 people"),
        (["party.png", "--by-likeness"], "--by-likeness compares with --photos"),
        (["party.png", "--photos", "ada"], "--photos has 1 folders and --identity 2 people"),
        ([], "there is no template"),
    ],
)
def test_what_cannot_be_painted_is_said(studio: Path, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(studio)
    capsys.readouterr()
    assert portrait(studio, tmp_path / "made", *words) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["paint", "party.png"], "'paint' is no action"),
        (["add", "party.png"], "name it with --into"),
        (["check", "wall.png"], "none of the 1 pictures is fit"),
        (["add", "party.png", "beach.png", "--into", "x", "--keep", "k.png"], "for one picture"),
    ],
)
def test_a_wrong_template_command_is_said(studio: Path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(studio)
    capsys.readouterr()
    assert run("template", *words, "--resolution", "128", "--detector", "tiny") == 1
    assert said in capsys.readouterr().err
