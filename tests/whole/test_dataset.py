"""Sets of several people: the same files by every engine, whatever is killed, stopped or lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import torch

from facea_core.dataset.config import DatasetConfig
from facea_core.dataset.manifest import read_manifest
from facea_core.dataset.plan import key_of, plan_set
from facea_core.dataset.run import finish_set, sample_set, sheet_of
from facea_core.dataset.sample import Shared, Unit, sample_person
from facea_core.dataset.values import Sampled
from facea_core.engines import open_engine
from facea_core.errors import ConfigError, NoFaceError, TrainingError
from facea_core.io.images import load_image
from tests.unit.dataset.painted import hosts, painter_of, person, plan, tools

PEOPLE = (3, 4, 5, 6)
CONFIG = DatasetConfig(count=3, axes="backdrop; expression: neutral, smiling", tries=2)


@dataclass(frozen=True)
class Painting:
    """Starts a worker that samples by the painter. Each notes its process in `place`; nobody is
    sampled who is called `fails`, and the process that first samples who is called `kills` is
    killed in the middle of it."""

    shared: Shared
    place: Path
    fails: str = ""
    kills: str = ""

    def __call__(self) -> Callable[[Unit], Sampled]:
        torch.set_num_threads(1)
        (self.place / f"{os.getpid()}.pid").touch()

        def work(unit: Unit) -> Sampled:
            name = unit.person.name
            if name == self.fails:
                raise TrainingError(f"{name} is refused")
            first = not (self.place / f"{name}.begun").exists()
            (self.place / f"{name}.begun").touch()

            def on_try(passed: int, wanted: int) -> None:
                if name == self.kills and first and passed == 2:
                    (self.place / "killed").touch()
                    os.kill(os.getpid(), signal.SIGKILL)

            paint = painter_of(int(name.removeprefix("person-")))
            assert not isinstance(unit.person.identity, Path)
            return sample_person(unit, self.shared, unit.person.identity, paint, tools(), on_try)

        return work


def sample(out: Path, engine: str = "serial", config=CONFIG, people=PEOPLE, fails="", workers=0):
    shared, units = plan(people, config)
    (out.parent / "pids").mkdir(exist_ok=True)
    start = Painting(shared, out.parent / "pids", fails)
    outcomes = list(sample_set(out, shared, units, open_engine(engine, workers), start))
    return shared, units, outcomes, finish_set(out, shared, units, outcomes, ("folder",), "Painted")


def contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("serial") / "set"
    sample(out)
    return out


def test_a_set_lists_what_it_holds(serial: Path):
    pictures = read_manifest(serial)
    assert len(pictures) == 12
    assert [p.label for p in pictures] == sorted(p.label for p in pictures)
    assert {p.path for p in pictures} == {
        path.relative_to(serial).as_posix() for path in serial.glob("images/*/*.jpg")
    }
    said = json.loads((serial / "dataset.json").read_text())
    assert said["measures"]["people"] == 4
    assert said["measures"]["complete"] == 1
    assert said["measures"]["uniqueness"] == 1
    assert said["measures"]["paintings per picture"] >= 1
    assert said["incomplete"] == {}
    assert (serial / "sheet.jpg").is_file()
    assert "# Painted" in (serial / "README.md").read_text()


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_every_engine_writes_the_same_bytes(engine: str, serial: Path, tmp_path: Path):
    if engine == "ray":
        pytest.importorskip("ray")
    sample(tmp_path / "set", engine, workers=2)
    assert contents(tmp_path / "set") == contents(serial)


def test_everybody_has_a_row_of_the_sheet(serial: Path, tmp_path: Path):
    out = tmp_path / "set"
    shared, units, outcomes, _ = sample(out, people=PEOPLE[:2])
    whole = load_image(out / "sheet.jpg")[0]
    (first, second) = (one.sampled for one in outcomes)
    assert first is not None
    assert second is not None
    fewer = replace(second, pictures=second.pictures[:1])
    rows = sheet_of(out, [first, fewer])
    assert rows.shape == whole.shape
    assert torch.equal(rows[..., -1], rows[..., :1, -1:].expand(-1, -1, rows.shape[2], 1)[..., 0])


def test_what_is_written_is_not_kept_in_memory(tmp_path: Path):
    shared, units = plan(PEOPLE[:2], CONFIG)
    place = tmp_path / "pids"
    place.mkdir()
    made = sample_set(
        tmp_path / "set", shared, units, open_engine("serial"), Painting(shared, place)
    )
    for outcome in made:
        assert outcome.sampled is not None
        assert outcome.sampled.pictures
        assert outcome.sampled.jpegs == ()
        # Thirty times as large as what they are worked out of.
        assert all("views" not in vars(one) for one in outcome.unit.person.prints)


def test_a_manifest_of_other_folders_takes_nothing_away(serial: Path, tmp_path: Path):
    out = tmp_path / "set"
    sample(out, people=PEOPLE[:2])
    said = (out / "manifest.jsonl").read_text()
    (out / "manifest.jsonl").write_text(said.replace('"images/0000_person-3/', '"images/../'))
    (out / "mine.jpg").write_bytes(b"mine")
    sample(out, people=PEOPLE[:2])
    assert (out / "mine.jpg").read_bytes() == b"mine"


def test_a_worker_that_is_killed_changes_nothing(serial: Path, tmp_path: Path):
    shared, units = plan(PEOPLE, CONFIG)
    place, out = tmp_path / "pids", tmp_path / "set"
    place.mkdir()
    start = Painting(shared, place, kills="person-4")
    outcomes = list(sample_set(out, shared, units, open_engine("processes", 2), start))
    assert [one.error for one in outcomes] == [""] * 4
    assert (place / "killed").exists()
    finish_set(out, shared, units, outcomes, ("folder",), "Painted")
    assert contents(out) == contents(serial)
    assert not any(psutil.pid_exists(int(path.stem)) for path in place.glob("*.pid"))


def test_a_set_that_was_stopped_goes_on(serial: Path, tmp_path: Path):
    shared, units = plan(PEOPLE, CONFIG)
    out, place = tmp_path / "set", tmp_path / "pids"
    place.mkdir()
    some = sample_set(out, shared, units, open_engine("serial"), Painting(shared, place))
    for _ in range(2):
        next(some)
    some.close()
    for path in place.glob("*.begun"):
        path.unlink()
    outcomes = list(sample_set(out, shared, units, open_engine("serial"), Painting(shared, place)))
    assert [one.found for one in outcomes] == [True, True, False, False]
    assert len(list(place.glob("*.begun"))) == 2
    finish_set(out, shared, units, outcomes, ("folder",), "Painted")
    assert contents(out) == contents(serial)


def test_a_picture_that_is_lost_or_changed_is_painted_again(serial: Path, tmp_path: Path):
    out = tmp_path / "set"
    _, _, first, _ = sample(out)
    pictures = read_manifest(out)
    (out / pictures[0].path).unlink()
    (out / pictures[-1].path).write_bytes(b"another")
    _, _, again, _ = sample(out)
    assert [one.found for one in first] == [False] * 4
    assert sorted(one.found for one in again) == [False, False, True, True]
    assert contents(out) == contents(serial)


def test_other_settings_and_other_people_leave_nothing_old(tmp_path: Path):
    out = tmp_path / "set"
    sample(out)
    _, units, outcomes, _ = sample(out, people=PEOPLE[:2])
    assert [one.found for one in outcomes] == [False, False]  # Their limits have changed.
    assert len(list(out.glob("images/*"))) == 2 + 1  # and metadata.jsonl
    assert len(list(out.glob(".parts/*.json"))) == 2
    assert {p.identity for p in read_manifest(out)} == {one.person.name for one in units}


def test_who_fails_is_listed_and_the_others_are_there(tmp_path: Path):
    *_, outcomes, (said, _) = sample(tmp_path / "set", fails="person-4")
    assert [bool(one.error) for one in outcomes] == [False, True, False, False]
    assert said["incomplete"] == {"person-4": "person-4 is refused"}
    assert said["measures"]["complete"] == 0.75
    assert len(read_manifest(tmp_path / "set")) == 9


def test_nobody_left_is_an_error_with_the_reason(tmp_path: Path):
    with pytest.raises(NoFaceError, match="0 of 3 pictures: .* unlike the person"):
        sample(tmp_path / "set", config=replace(CONFIG, lower=0.999, upper=1.0), people=(3,))


def test_people_need_names_of_their_own():
    one = person(3, 0)
    from facea_core.composing import ComposeConfig

    with pytest.raises(ConfigError, match="two people are called 'person-3'"):
        plan_set([one, replace(one, label=1)], hosts(4), "tiny", CONFIG, ComposeConfig(), 128, "")
    with pytest.raises(ConfigError, match="nobody"):
        plan_set([], hosts(4), "tiny", CONFIG, ComposeConfig(), 128, "")


def test_another_licence_and_consent_are_said_and_nothing_is_painted_again(tmp_path: Path):
    out = tmp_path / "set"
    shared, units, _, _ = sample(out, people=PEOPLE[:2])
    shared = replace(shared, licence="mit")
    units = [replace(one, person=replace(one.person, consent="asked")) for one in units]
    start = Painting(shared, out.parent / "pids")
    outcomes = list(sample_set(out, shared, units, open_engine("serial"), start))
    assert [one.found for one in outcomes] == [True, True]
    finish_set(out, shared, units, outcomes, ("folder",), "Painted")
    assert {(one.licence, one.consent) for one in read_manifest(out)} == {("mit", "asked")}


def test_a_share_has_another_key_for_another_person_or_seed_and_not_for_another_licence():
    shared, units = plan(PEOPLE, CONFIG)
    keys = {key_of(unit, shared) for unit in units}
    assert len(keys) == 4
    assert key_of(units[0], replace(shared, licence="mit")) == key_of(units[0], shared)
    other, again = plan(PEOPLE, replace(CONFIG, seed=1))
    assert key_of(again[0], other) not in keys


def test_hosts_of_one_size_are_used_evenly():
    _, units = plan(PEOPLE, CONFIG, 12)
    times = [0] * 12
    for unit in units:
        for some in unit.hosts:
            assert len(some) == CONFIG.tries
            for host in some:
                times[host] += 1
    assert max(times) - min(times) <= 1
