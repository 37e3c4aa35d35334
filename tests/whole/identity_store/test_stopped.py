"""A stopped training goes on where it was, and nothing shows it."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.identity_store.store import (
    KEPT_RUNS,
    Trained,
)
from facea_core.training.state import STATE_FILE, saved_step

from ...unit.learner import make_backbone
from .learning import SHORT, Stop, begins, files, learn, stopping


@pytest.mark.parametrize(
    ("where", "step"), [("tick", 1), ("report", 2), ("preview", 2), ("tick", 4)]
)
def test_a_stopped_training_goes_on_and_nothing_shows_it(
    backbone: Backbone, first: Trained, tmp_path: Path, where: str, step: int
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, where, step))
    assert files(tmp_path / "facea") == {}
    assert saved_step(tmp_path / "runs" / first.record["origin"]) == step
    ticks = []
    done = learn(make_backbone(), tmp_path, on_tick=lambda *at: ticks.append(at))
    assert [done for done, _ in ticks if done] == list(range(step + 1, 5))
    assert done.path.read_bytes() == first.path.read_bytes()
    assert (done.record["resumed_from"], done.record["steps_run"]) == (step, 4 - step)
    assert not done.record["cached"]
    assert done.record["threads"] == first.record["threads"] == [1]
    assert done.record["losses"] == first.record["losses"]
    assert torch.equal(done.sheet, first.sheet)
    assert torch.equal(done.plot, first.plot)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["finished"]


def test_a_power_cut_costs_steps_and_nothing_else(
    backbone: Backbone, first: Trained, tmp_path: Path
):
    run, aside = tmp_path / "runs" / first.record["origin"], tmp_path / "aside"

    def cut(done: int, total: int) -> None:
        if done == 3:
            # What is on the disk at this moment: the state of step 0, the report of step 2.
            shutil.copytree(run, aside)
            raise Stop

    with pytest.raises(Stop):
        learn(backbone, tmp_path, on_tick=cut)
    shutil.rmtree(run)
    aside.rename(run)
    assert saved_step(run) == 0
    done = learn(backbone, tmp_path)
    assert done.path.read_bytes() == first.path.read_bytes()
    assert done.record["steps_run"] == 4
    assert done.record["losses"] == first.record["losses"]
    assert torch.equal(done.sheet, first.sheet)


def test_going_on_with_other_threads_is_noted(
    backbone: Backbone, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    torch.set_num_threads(2)
    try:
        done = learn(backbone, tmp_path, previewer=None)
    finally:
        torch.set_num_threads(1)
    assert done.record["resumed_from"] == 3
    assert done.record["threads"] == [1, 2]
    assert "another number of threads than before (1, 2)" in caplog.text


def test_stopped_before_the_first_step_leaves_nothing(backbone: Backbone, tmp_path: Path):
    assert begins(backbone, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_unfinished_trainings_stay_and_the_one_that_goes_on(
    backbone: Backbone, tmp_path: Path
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, config=SHORT, **stopping(backbone, "tick", 1))
    (mine,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    os.utime(mine, (0, 0))
    for age in range(KEPT_RUNS + 3):
        state = tmp_path / "runs" / f"{age:016}" / STATE_FILE
        state.parent.mkdir(parents=True)
        state.write_bytes(b"state")
        os.utime(state, (1e9 - age, 1e9 - age))
    assert learn(backbone, tmp_path, config=SHORT).record["resumed_from"] == 1
    left = sorted(path.name for path in (tmp_path / "runs").glob("0*"))
    # The one that went on counted among them.
    assert left == [f"{age:016}" for age in range(KEPT_RUNS - 1)]
