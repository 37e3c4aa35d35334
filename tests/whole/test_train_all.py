"""Everybody learned by one command, or by one call: found again, gone on with, by any engine."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facea_core.audit import AuditConfig
from facea_core.cli import main
from facea_core.demo import draw_cast
from facea_core.detection.config import DetectConfig
from facea_core.engines import Serial
from facea_core.io.images import save_image
from facea_core.people import Learned, Recipe, people_in, train_everybody
from facea_core.training import TrainConfig

STEPS = 4


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two painted people, and a folder in which no face is."""
    folder = tmp_path_factory.mktemp("crowd")
    for name, seed in (("ada", 3), ("ben", 5)):
        (folder / name).mkdir()
        for number, image in enumerate(draw_cast(seed).photos.image.split(1)):
            save_image(image, folder / name / f"{number}.png")
    (folder / "cleo").mkdir()
    save_image(torch.ones(1, 3, 96, 96), folder / "cleo" / "0.png")
    return folder


def command(crowd: Path, out: Path, *more: str) -> int:
    small = "--base tiny --detector tiny --device cpu --rank 2 --batch 1 --variants 1 --class woman"
    words = [*small.split(), "--steps", str(STEPS), "--attributes", "eyes", *more]
    return main(["train-all", str(crowd), "--out", str(out), *words])


def report(out: Path) -> dict[str, dict]:
    people = json.loads((out / "train-all.json").read_text("utf-8"))["people"]
    return {one["name"]: one for one in people}


@pytest.fixture(scope="module")
def trained(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "out"
    assert command(crowd, out) == 1
    return out


def test_who_fails_is_recorded_and_the_others_go_on(trained: Path):
    people = report(trained)
    assert {name: one["state"] for name, one in people.items()} == {
        "ada": "trained", "ben": "trained", "cleo": "failed",
    }  # fmt: skip
    assert people["ada"]["steps"] == STEPS
    assert "no face" in people["cleo"]["error"]
    assert Path(people["ben"]["file"]) == trained / "ben.safetensors"
    assert not (trained / "runs").exists()


def test_a_second_call_finds_everybody(crowd: Path, trained: Path, capsys):
    before = (trained / "ada.safetensors").read_bytes()
    assert command(crowd, trained) == 1
    said = capsys.readouterr()
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [
        ["ada", "found"], ["ben", "found"], ["cleo", "failed"],
    ]  # fmt: skip
    assert "1 of 3 people could not be learned (cleo)" in said.err
    assert [one["steps"] for one in report(trained).values()] == [0, 0, 0]
    assert (trained / "ada.safetensors").read_bytes() == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(crowd: Path, trained: Path, capsys):
    files = sorted(trained.rglob("*"))
    assert command(crowd, trained, "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[3].strip(":") for line in said[1:4]] == ["found", "found", "train"]
    assert said[-1].startswith("1 to train: about")
    assert command(crowd, trained, "--dry-run", "--seed", "1") == 0
    assert "3 to train; how long" in capsys.readouterr().out
    assert sorted(trained.rglob("*")) == files


def test_other_processes_make_the_same_bytes(
    crowd: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert command(crowd, tmp_path, "--engine", "processes", "--workers", "2") == 1
    for name in ("ada.safetensors", "ben.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()
    assert [one["state"] for one in report(tmp_path).values()] == ["trained", "trained", "failed"]


class Cancelled(Exception):
    """What a host raises."""


def test_what_was_stopped_goes_on_to_the_same_bytes(crowd: Path, tmp_path: Path):
    def everybody(out: Path, stop_at: int = 0) -> list[Learned]:
        config = TrainConfig.from_preset(
            "tiny", attributes="eyes", steps=STEPS, batch=1, rank=2, variants=1, save_every=1
        )
        recipe = Recipe(
            "tiny", out, config, DetectConfig(), AuditConfig(), detector="tiny", device="cpu"
        )
        learner, begun = recipe(), 0

        def on_tick(step: int, _: int) -> None:
            nonlocal begun
            begun += step == 1
            if (begun, step) == (2, stop_at):
                raise Cancelled

        learner = replace(learner, on_tick=on_tick)
        people = people_in(crowd, "woman")
        return list(train_everybody(people, lambda: learner, Serial((Cancelled,))))

    everybody(tmp_path / "whole")
    with pytest.raises(Cancelled):
        everybody(tmp_path / "cut", stop_at=2)
    assert (tmp_path / "cut" / "ada.safetensors").exists()
    assert not (tmp_path / "cut" / "ben.safetensors").exists()
    ada, ben, _ = everybody(tmp_path / "cut")
    assert (ada.state, ada.steps) == ("found", 0)
    assert (ben.state, ben.steps, ben.resumed_from) == ("trained", STEPS - 2, 2)
    for name in ("ada.safetensors", "ben.safetensors"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "cut" / name).read_bytes() == whole


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--engine", "proceses"), "'processes'"),
        (("--workers", "2"), "one unit at a time"),
        (("--address", "auto"), "give it with engine ray"),
        (("--classes", "none.csv"), "none.csv"),
        (("--base", "none.safetensors"), "none.safetensors"),
    ],
)
def test_it_is_refused_in_one_line(crowd: Path, tmp_path: Path, capsys, more, complaint: str):
    assert command(crowd, tmp_path / "out", *more) == 1
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
