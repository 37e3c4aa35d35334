"""`facea dataset` and `facea new-people`: from people and hosts to sets, and to new people."""

import json
from pathlib import Path
from shutil import copytree

import pytest
import torch

from facea_core.cli import main
from facea_core.dataset.manifest import read_manifest
from facea_core.demo import draw_cast
from facea_core.io.images import save_image
from facea_core.io.locks import locked
from facea_core.synthetic.render import paint
from tests.unit.dataset.painted import numbers, scene

QUICK = ["--base", "tiny", "--device", "cpu", "--steps", "1", "--sampler", "unipc"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people learned in two steps, and one of whom there is no identity; four hosts for men
    and a picture without a face."""
    folder = tmp_path_factory.mktemp("place")
    for name, seed in (("ada", 3), ("ben", 5), ("cleo", 7)):
        (folder / "people" / name).mkdir(parents=True)
        for number, image in enumerate(draw_cast(seed).photos.image.split(1)):
            save_image(image, folder / "people" / name / f"{number}.png")
    (folder / "people" / "ben" / "consent.txt").write_text("for tests\nonly", "utf-8")
    small = [
        "--base",
        "tiny",
        "--detector",
        "tiny",
        "--device",
        "cpu",
        "--rank",
        "2",
        "--batch",
        "1",
    ]
    small += ["--variants", "1", "--class", "man", "--steps", "2", "--attributes", "eyes"]
    assert main(["train-all", str(folder / "people"), "--out", str(folder / "ids"), *small]) == 0
    (folder / "ids" / "cleo.safetensors").unlink()
    (folder / "hosts" / "man").mkdir(parents=True)
    for number in range(4):
        image = paint(numbers(700 + number), scene(700 + number), 128).image
        save_image(image, folder / "hosts" / "man" / f"{number}.png")
    save_image(torch.ones(1, 3, 96, 96), folder / "hosts" / "blank.png")
    return folder


def command(place: Path, out: Path, *more: str, name: str = "dataset") -> int:
    words = ["--identities", str(place / "ids"), "--hosts", str(place / "hosts"), "--out", str(out)]
    return main([name, str(place / "people"), *words, *QUICK, *more])


# Whoever learned for two steps is nobody yet: all that is asked here is a face.
ANY = ["--count", "2", "--lower", "0.001", "--upper", "1", "--margin", "0", "--axes", "backdrop",
       "--tries", "2"]  # fmt: skip


def test_a_set_is_made_listed_and_found_again(place: Path, tmp_path: Path, capsys):
    out = tmp_path / "set"
    said = ["--licence", "cc0-1.0", "--consent", "painted", "--title", "Two", "--format", "kohya"]
    code = command(place, out, *ANY, *said)
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "cleo: left out, there is no" in told.err
    assert "host blank.png left out: 0 faces" in told.err
    assert "as given; otherwise usual for the embedder tiny: 6 photos" in told.err
    pictures = read_manifest(out)
    assert {picture.identity for picture in pictures} <= {"ada", "ben"}
    assert {picture.consent for picture in pictures if picture.identity == "ben"} <= {
        "for tests only"
    }
    assert all(picture.licence == "cc0-1.0" for picture in pictures)
    assert len(list((out / "kohya").rglob("*.txt"))) == len(pictures)
    assert json.loads((out / "dataset.json").read_text("utf-8"))["title"] == "Two"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert command(place, out, *ANY, *said) == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_dry_run_foretells_and_writes_nothing(place: Path, tmp_path: Path, capsys):
    out = tmp_path / "set"
    assert command(place, out, *ANY, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "4 pictures of 2 people from 4 hosts" in told
    assert "s each as measured here" in told
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--format", "kohia"], "kohya"),
        (["--axes", "yow"], "'yow' has no levels"),
        (["--lower", "0.9", "--upper", "0.5"], "must be below the upper"),
        (["--engine", "process"], "processes"),
        (["--hint", "dots"], "hint"),
        (["--workers", "2"], "works on one unit at a time"),
        (["--identities", "nowhere"], "run facea train-all first"),
        (["--hosts", "nowhere"], "nowhere (No such file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_painted(place, tmp_path, capsys, more, why):
    assert command(place, tmp_path / "set", *more) == 1
    assert why in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "set" / "images").exists()


@pytest.mark.parametrize("name", ["dataset", "new-people"])
@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("people", "the folder of the people"),
        ("people/ada", "a person's"),
        ("hosts/man/set", "lies in the folder of hosts"),
    ],
)
def test_nothing_is_written_that_would_be_read_as_people_or_hosts(place, capsys, out, why, name):
    before = sorted(place.rglob("*"))
    assert command(place, place / out, "--count", "1", name=name) == 1
    assert why in capsys.readouterr().err
    assert sorted(place.rglob("*")) == before


def test_a_set_takes_no_files_away_that_are_not_its_own(place, tmp_path, capsys):
    (tmp_path / "README.md").write_text("mine", "utf-8")
    assert command(place, tmp_path, *ANY) == 1
    assert "README.md is there and belongs to no set" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_two_programs_do_not_write_one_set(place, tmp_path, capsys):
    with locked(tmp_path / "set" / ".lock"):
        assert command(place, tmp_path / "set", *ANY) == 1
    assert "another set is being written into" in capsys.readouterr().err


def test_hosts_in_a_folder_called_as_nobody_is_are_named(place, tmp_path, capsys):
    copytree(place / "hosts", tmp_path / "hosts")
    copytree(place / "hosts" / "man", tmp_path / "hosts" / "Summer")
    more = ["--hosts", str(tmp_path / "hosts"), "--dry-run"]
    assert command(place, tmp_path / "set", *ANY, *more) == 0
    assert "4 pictures in Summer are not used, for nobody is called 'Summer' but man" in (
        capsys.readouterr().err
    )


def test_a_control_paints_other_pictures_in_other_folders_of_work(place: Path, tmp_path: Path):
    few = [*ANY, "--count", "1"]
    assert command(place, tmp_path / "free", *few) == 0
    assert command(place, tmp_path / "held", *few, "--control", "tiny") == 0
    free, held = (read_manifest(tmp_path / name) for name in ("free", "held"))
    assert {one.sha256 for one in free}.isdisjoint(one.sha256 for one in held)
    assert {one.settings for one in free}.isdisjoint(one.settings for one in held)
    assert held[0].model.endswith("tiny lines 1")


def test_whose_files_are_damaged_is_left_out_and_the_others_are_not(place, tmp_path, capsys):
    copied = tmp_path / "copied"
    copytree(place, copied)
    (copied / "people" / "ben" / "consent.txt").write_bytes(b"\xff\xfe\xfa")
    assert command(copied, tmp_path / "set", *ANY) == 0
    assert "ben: left out, cannot read" in capsys.readouterr().err
    assert {one.identity for one in read_manifest(tmp_path / "set")} == {"ada"}
    (copied / "ids" / "ada.safetensors").write_bytes(b"damaged")
    assert command(copied, tmp_path / "none", *ANY) == 1
    told = capsys.readouterr().err
    assert "ada: left out, " in told
    assert "nobody of 3 people" in told


def test_nobody_good_enough_says_what_was_wrong(place: Path, tmp_path: Path, capsys):
    strict = ["--count", "1", "--tries", "1", "--lower", "0.999", "--upper", "1"]
    assert command(place, tmp_path / "set", *strict) == 1
    assert "there is no picture that can be kept: 0 of 1 pictures" in capsys.readouterr().err


def test_new_people_are_said_or_why_there_are_none(place: Path, tmp_path: Path, capsys):
    out = tmp_path / "more"
    code = command(place, out, "--count", "1", name="new-people")
    told = capsys.readouterr()
    if code == 0:
        assert "new-0000: " in told.out
        consent = (out / "people" / "new-0000" / "consent.txt").read_text("utf-8")
        assert "ada" in consent
        assert (out / "identities" / "new-0000.safetensors").is_file()
    else:
        assert "no blend is like nobody else" in told.err
        assert "% ada" in told.err
        assert not (out / "identities").exists()
