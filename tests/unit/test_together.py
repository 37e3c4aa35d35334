"""Several trainings at once, in processes of their own: nobody is lost, nothing trained twice."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import facea_core
from facea_core.errors import AssetError
from facea_core.identity import load_identity
from facea_core.identity_store.runs import at_work, tidy
from facea_core.identity_store.store import KEPT_RUNS
from facea_core.io.locks import locked
from facea_core.training.state import STATE_FILE

from .learner import learn, make_backbone

SCRIPT = Path(__file__).with_name("learner.py")


class Learner:
    """A process that learns Ada in `place`; waits after step `pause` until it is told to go on."""

    def __init__(self, place: Path, seed: int, steps: int, pause: int) -> None:
        command = [sys.executable, str(SCRIPT), str(place), *map(str, (seed, steps, pause))]
        root = str(Path(facea_core.__file__).parents[1])
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": root},
        )  # fmt: skip

    def reach(self, step: int) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == str(step):
                return
        raise AssertionError(self.process.communicate()[1][-2000:])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def result(self) -> dict[str, Any]:
        out, error = self.process.communicate(timeout=100)
        assert self.process.returncode == 0, error[-2000:]
        return json.loads(out.splitlines()[-1])


@contextmanager
def learner(place: Path, seed: int, steps: int, pause: int) -> Iterator[Learner]:
    one = Learner(place, seed, steps, pause)
    try:
        yield one
    finally:
        one.kill()


def hidden(place: Path) -> list[str]:
    """Locks and temporary files."""
    return [str(path) for path in place.rglob(".*")] + [str(path) for path in place.rglob("*.lock")]


def test_two_trainings_of_a_name_at_once_are_both_saved(tmp_path: Path):
    folder = tmp_path / "facea"
    plain = folder / "ada.safetensors"
    with learner(tmp_path, seed=1, steps=1, pause=1) as other:

        def tick(done: int, total: int) -> None:
            if done == total:
                other.reach(1)
                (tmp_path / "go").touch()  # now both have learned, and save

        mine = learn(tmp_path, 2, 1, tick)
        theirs = other.result()
    assert theirs["path"] == str(mine.path) == str(plain)
    saved = {load_identity(path).meta.origin for path in folder.glob("*.safetensors")}
    assert saved == {mine.record["origin"], theirs["origin"]}
    # Picture, record and words are those of the one that has the name.
    last = load_identity(plain)
    about = json.loads(plain.with_suffix(".json").read_text("utf-8"))
    assert about["facea"]["origin"] == last.meta.origin
    written = load_file(tmp_path / "words" / "ada" / "eyes.safetensors")["clip_l"]
    assert torch.equal(written, last.words[0].vectors["clip_l"])
    assert len(list(folder.iterdir())) == 6
    assert hidden(tmp_path) == []


def test_a_training_at_work_is_waited_for_and_if_it_is_killed_taken_over(tmp_path: Path):
    runs, waited = tmp_path / "runs", []
    with learner(tmp_path, seed=0, steps=3, pause=2) as first:
        first.reach(2)
        (state,) = runs.glob(f"*/{STATE_FILE}")

        def tick(done: int, total: int) -> None:
            if first.process.poll() is None:
                assert done == 0
                waited.append(done)
                if len(waited) == 3:
                    (state.parent / ".state.0123456789ab.tmp.safetensors").write_bytes(b"half")
                    first.kill()

        second = learn(tmp_path, 0, 3, tick)
    assert len(waited) == 3
    assert (second.record["resumed_from"], second.record["steps_run"]) in ((1, 2), (2, 1))
    straight = learn(tmp_path / "straight", 0, 3, lambda *_: None)
    assert second.path.read_bytes() == straight.path.read_bytes()
    assert not state.parent.exists()
    assert hidden(tmp_path) == []


def test_the_same_training_at_once_is_trained_once(tmp_path: Path):
    made, inside, models = {}, threading.Barrier(2), [make_backbone(), make_backbone()]

    def work(number: int) -> None:
        inside.wait()
        made[number] = learn(tmp_path, 0, 2, lambda *_: None, models[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert sorted(one.record["steps_run"] for one in made.values()) == [0, 2]
    assert made[0].path == made[1].path
    assert [path.name for path in (tmp_path / "facea").glob("*.safetensors")] == ["ada.safetensors"]
    assert hidden(tmp_path) == []


def test_a_run_at_work_is_not_pruned_and_a_dead_one_is(tmp_path: Path):
    """At work is who holds the lock, in this process or another; see above for the other."""
    runs = tmp_path / "runs"
    states = [runs / f"{age:016}" / STATE_FILE for age in range(KEPT_RUNS + 2)]
    for age, state in enumerate(states):
        state.parent.mkdir(parents=True)
        state.write_bytes(b"state")
        os.utime(state, (1e9 - age, 1e9 - age))
    oldest = states[-1].parent
    with at_work(oldest, lambda: None):
        notes = tidy(runs, keep=runs / "mine")
        assert len(notes) == 2  # the two before it
        assert states[-1].exists()
    assert oldest.exists()
    notes = tidy(runs, keep=runs / "mine")
    assert any(str(oldest) in note for note in notes)
    assert not oldest.exists()


# Locks


def test_a_lock_is_held_by_one_at_a_time_also_among_threads(tmp_path: Path):
    path, inside, most, counter = tmp_path / "a" / "lock", [], [], threading.Lock()

    def work() -> None:
        for _ in range(5):
            with locked(path, lambda: None) as held:
                assert held
                with counter:
                    inside.append(1)
                    most.append(len(inside))
                time.sleep(0.002)
                with counter:
                    inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 20
    assert list(tmp_path.rglob("lock")) == []


def test_who_does_not_wait_is_told_that_another_has_it(tmp_path: Path):
    with locked(tmp_path / "lock") as mine:
        with locked(tmp_path / "lock") as theirs:
            assert (mine, theirs) == (True, False)
        assert (tmp_path / "lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_wait_can_be_given_up(tmp_path: Path):
    def stop() -> None:
        raise KeyboardInterrupt

    with locked(tmp_path / "lock"):
        with pytest.raises(KeyboardInterrupt), locked(tmp_path / "lock", stop):
            pass
        with locked(tmp_path / "lock") as theirs:
            assert not theirs


def test_a_lock_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(AssetError, match="lock"), locked(tmp_path / "lock"):
        pass
