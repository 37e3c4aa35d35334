"""Several trainings at once, in threads: nothing is trained twice; and their locks."""

import os
import threading
import time
from pathlib import Path

import pytest

from facea_core.errors import AssetError
from facea_core.identity_store.runs import at_work, tidy
from facea_core.identity_store.store import KEPT_RUNS
from facea_core.io.locks import locked
from facea_core.training.state import STATE_FILE

from .learner import hidden, learn, make_backbone


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
    """At work is who holds the lock, in this process or another (tests/whole/test_together.py)."""
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
