"""The doctor says what is there and what is not, with a remedy, and never fails itself."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from facea_core.cli import main
from facea_core.doctor import checks
from facea_core.doctor.checks import NEEDED, SHIPPED, examine, folders, models
from facea_core.doctor.places import Places
from facea_core.doctor.values import (
    NOTE,
    OK,
    PROBLEM,
    Line,
    doctor_json,
    doctor_summary,
    doctor_table,
    is_healthy,
    looked_at,
)

ROOT = Path(checks.__file__).parents[2]


def places(folder: Path, **written: Path) -> Places:
    return Places([folder / "dino"], [folder / "checkpoints"], written)


def by_topic(lines) -> dict[str, Line]:
    return {line.topic: line for line in lines}


def test_it_looks_at_everything_here(tmp_path, monkeypatch):
    # A disk that is nearly full is a note, and this machine's may be.
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**12))
    said = by_topic(examine(places(tmp_path, output=tmp_path)))
    for topic in ("facea", *NEEDED, "device", "facea-tiny", "checkpoints", "landmarks", "tiny"):
        assert topic in said
    assert said["output"].state == OK
    assert is_healthy(said.values()), doctor_table(list(said.values()))
    assert os.listdir(tmp_path) == []


def test_whatever_is_not_well_comes_with_a_remedy(tmp_path):
    for line in examine(places(tmp_path, output=tmp_path / "not" / "there")):
        assert line.state in (OK, NOTE, PROBLEM)
        assert line.state == OK or line.remedy, line
        assert "\n" not in line.text + line.remedy


def test_what_was_sought_in_vain_is_told_with_the_places(tmp_path):
    said = by_topic(examine(places(tmp_path)))
    assert str(tmp_path / "dino") in said["grounding-dino"].text
    assert str(tmp_path / "checkpoints") in said["checkpoints"].text
    assert said["checkpoints"].state == NOTE


def test_weights_and_checkpoints_that_are_there_are_named(tmp_path):
    (tmp_path / "dino").mkdir()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "dino" / "groundingdino_swint_ogc.pth").write_bytes(b"")
    for name in ("sd-v1-5-inpainting.safetensors", "other.safetensors", "notes.txt"):
        (tmp_path / "checkpoints" / name).write_bytes(b"")
    said = by_topic(examine(places(tmp_path)))
    assert "swint" in said["grounding-dino"].text
    assert said["checkpoints"].state == OK
    assert said["checkpoints"].text.startswith("2 in ")
    assert "sd-v1-5-inpainting" in said["checkpoints"].text


def test_a_place_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("no folder")
    (line,) = folders(places(tmp_path, output=tmp_path / "file" / "below"))
    assert (line.topic, line.state) == ("output", PROBLEM)


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    usage = checks.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    (line,) = folders(places(tmp_path, output=tmp_path))
    assert (line.state, "1.0 GB free" in line.text) == (NOTE, True)


def test_a_package_that_is_missing_or_old_is_a_problem(monkeypatch):
    found = {"torch": "2.1.0+cu118", "diffusers": None}
    monkeypatch.setattr(checks, "installed", lambda name: found.get(name, "99.0"))
    said = by_topic(checks.packages())
    assert (said["torch"].state, said["diffusers"].state) == (PROBLEM, PROBLEM)
    assert "2.4" in said["torch"].text
    assert said["transformers"].state == OK


def test_a_model_that_was_not_checked_out_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "__file__", str(tmp_path / "doctor" / "checks.py"))
    (tmp_path / "assets" / "checkpoints").mkdir(parents=True)
    (tmp_path / "assets" / SHIPPED[0]).write_text("version https://git-lfs.github.com/spec/v1")
    said = by_topic(models(places(tmp_path)))
    assert said["facea-tiny"].state == PROBLEM
    assert SHIPPED[0] in said["facea-tiny"].text


def test_a_check_that_fails_becomes_a_line():
    def broken():
        yield Line("first", OK, "fine")
        raise RuntimeError("no such\nthing")

    first, second = looked_at("broken", broken)
    assert first.state == OK
    assert (second.topic, second.state) == ("broken", PROBLEM)
    assert "RuntimeError: no such thing" in second.text


def test_the_home_folder_is_not_told(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    lines = [Line("output", PROBLEM, "/home/ada/ComfyUI is full", "empty /home/ada")]
    for text in (doctor_table(lines), json.dumps(doctor_json(lines))):
        assert "ada" not in text
        assert "~/ComfyUI" in text
    assert doctor_summary(lines) == "1 problem"
    assert doctor_summary([]) == "all is well"


def test_the_bounds_are_those_of_the_package():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = text.split("dependencies = [")[1].split("]")[0]
    stated = dict(re.findall(r'"([a-z]+)(?:>=([\d.]+))?"', listed))
    assert {name: stated[name] for name in NEEDED} == NEEDED


@pytest.mark.parametrize("arguments", [[], ["--json", "-"]])
def test_the_command(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", *arguments]) == 0
    out = capsys.readouterr().out
    if arguments:
        assert {"healthy", "lines"} == set(json.loads(out))
    else:
        assert "torch" in out
    assert os.listdir(tmp_path) == []


def test_the_command_writes_a_report(capsys, tmp_path):
    assert main(["doctor", "--json", str(tmp_path / "report.json")]) == 0
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["lines"]
    assert capsys.readouterr().out
