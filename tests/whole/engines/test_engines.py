"""What every engine promises: each unit's outcome once, whatever happens to the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from facea_core.engines import ENGINES, Done, Engine, Serial, open_engine
from facea_core.engines.ray_actors import connect
from facea_core.errors import ConfigError, EngineError

from .work import Begin, Refuse, Unit


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    before = signal.getsignal(signal.SIGTERM)
    connect(2)
    assert signal.getsignal(signal.SIGTERM) is before
    yield
    ray.shutdown()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        request.getfixturevalue("cluster")
    return open_engine(request.param, 0 if request.param == "serial" else 2)


@pytest.fixture(params=ENGINES[1:])
def several(request: pytest.FixtureRequest) -> Engine:
    """An engine with other processes."""
    if request.param == "ray":
        request.getfixturevalue("cluster")
    return open_engine(request.param, 2)


def pids(folder: Path) -> list[int]:
    return [int(path.stem) for path in folder.glob("*.pid")]


def gone(folder: Path, seconds: float) -> bool:
    """Whether all processes that noted themselves in `folder` end within so many seconds."""
    until = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) for pid in pids(folder)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


class Counted(Sequence[Unit]):
    """So many units of which it is counted how many were taken."""

    def __init__(self, number: int) -> None:
        self.number, self.taken = number, 0

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, number):  # type: ignore
        self.taken += 1
        return ("add", number)


def test_each_unit_is_done_once(engine: Engine, tmp_path: Path):
    done = list(engine.map([("add", i) for i in range(20)], Begin(tmp_path)))
    assert sorted(done, key=lambda one: one.number) == [Done(i, 100 + i) for i in range(20)]
    assert len(pids(tmp_path)) <= 2
    assert all(path.read_text() == "start\n" for path in tmp_path.glob("*.pid"))


def test_no_units_start_nothing(engine: Engine, tmp_path: Path):
    assert list(engine.map([], Begin(tmp_path))) == []
    assert pids(tmp_path) == []


def test_what_fails_is_its_units_error(engine: Engine, tmp_path: Path):
    units: list[Unit] = [("add", 0), ("refuse", 7), ("fail", "eyes"), ("add", 3)]
    done = sorted(engine.map(units, Begin(tmp_path)), key=lambda one: one.number)
    assert done == [
        Done(0, 100),
        Done(1, None, "unit 7 is refused"),
        Done(2, None, "KeyError: 'eyes'"),
        Done(3, 103),
    ]


def test_what_cancels_is_no_units_error(tmp_path: Path):
    outcomes = Serial((LookupError,)).map([("add", 0), ("fail", 1), ("add", 2)], Begin(tmp_path))
    assert next(outcomes) == Done(0, 100)
    with pytest.raises(KeyError):
        next(outcomes)


def test_what_start_refuses_ends_everything(engine: Engine):
    with pytest.raises(ConfigError, match="there is no model"):
        list(engine.map([("add", 0), ("add", 1)], Refuse("settings")))


def test_what_start_raises_ends_everything():
    with pytest.raises(RuntimeError, match="could not start: KeyError: 'model'"):
        list(open_engine("processes", 2).map([("add", 0), ("add", 1)], Refuse("other")))


def test_few_units_are_taken_ahead(engine: Engine, tmp_path: Path):
    units = Counted(10_000)
    outcomes = engine.map(units, Begin(tmp_path))
    for count in range(1, 8):
        next(outcomes)
        assert units.taken <= count + 4
    outcomes.close()  # type: ignore


def test_a_result_that_cannot_be_sent_is_an_error(several: Engine, tmp_path: Path):
    done = sorted(several.map([("lock", 0), ("add", 1)], Begin(tmp_path)), key=lambda d: d.number)
    assert "lock" in done[0].error
    assert done[1] == Done(1, 101)


def test_a_killed_process_costs_nothing_but_time(several: Engine, tmp_path: Path):
    """`kill -9` at half: all results are there, and are those of an undisturbed run."""
    units: list[Unit] = [("add", i) for i in range(20)]
    units[9:11] = [("die once", 109), ("die once", 110)]
    done = sorted(several.map(units, Begin(tmp_path)), key=lambda one: one.number)
    tries = [1] * 9 + [2, 2] + [1] * 9
    assert done == [Done(i, 100 + i, "", tries[i]) for i in range(20)]


def test_a_unit_that_kills_is_given_up(tmp_path: Path):
    units: list[Unit] = [("die", 0), *(("add", i) for i in range(1, 6))]
    outcomes = open_engine("processes", 2).map(units, Begin(tmp_path))
    done = sorted(outcomes, key=lambda one: one.number)
    assert done[0].tries == 3
    assert "ended 3 times (by SIGKILL)" in done[0].error
    assert done[1:] == [Done(i, 100 + i) for i in range(1, 6)]


def test_processes_that_die_while_they_start_end_everything():
    with pytest.raises(EngineError, match="while it started"):
        list(open_engine("processes", 2).map([("add", 0), ("add", 1)], Refuse("die")))


def test_the_first_result_comes_while_others_work(several: Engine, tmp_path: Path):
    outcomes = several.map([("sleep", 60), ("add", 1)], Begin(tmp_path))
    assert next(outcomes) == Done(1, 101)
    began = time.monotonic()
    outcomes.close()  # type: ignore
    assert time.monotonic() - began < 0.8
    assert gone(tmp_path, 3)


def test_ctrl_c_stops_while_all_work(several: Engine, tmp_path: Path):
    """The signal comes while the caller waits for the first outcome."""
    began = time.monotonic()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(several.map([("sleep", 60), ("sleep", 60)], Begin(tmp_path)))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 4
    assert gone(tmp_path, 3)


def test_a_stopped_process_may_save(tmp_path: Path):
    engine = open_engine("processes", 2)
    outcomes = engine.map([("add", 0), ("add", 1), ("save", 2), ("save", 3)], Begin(tmp_path))
    next(outcomes), next(outcomes)
    time.sleep(0.3)
    outcomes.close()  # type: ignore
    assert (tmp_path / "saved").exists()


def test_processes_end_with_the_one_that_began_them(tmp_path: Path):
    """However it ends: nobody waits for them."""
    code = (
        "from pathlib import Path\n"
        "from facea_core.engines import open_engine\n"
        "from tests.whole.engines.work import Begin\n"
        "if __name__ == '__main__':\n"
        f"    begin = Begin(Path({str(tmp_path)!r}))\n"
        "    list(open_engine('processes', 2).map([('sleep', 60), ('sleep', 60)], begin))\n"
    )
    (tmp_path / "main.py").write_text(code)
    root = Path(__file__).parents[3]
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")], env={**os.environ, "PYTHONPATH": str(root)}
    )
    while len(pids(tmp_path)) < 2:
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert gone(tmp_path, 2)


def test_cores_and_gpus_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    units: list[Unit] = [("environment", names)] * 4
    done = open_engine("processes", 2).map(units, Begin(tmp_path))
    seen = dict(one.result for one in done)  # type: ignore
    assert sorted(value["CUDA_VISIBLE_DEVICES"] for value in seen.values()) == ["4", "6"]
    threads = max(len(os.sched_getaffinity(0)) // 2, 1)
    assert {value["OMP_NUM_THREADS"] for value in seen.values()} == {str(threads)}


def test_threads_and_one_gpu_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    units: list[Unit] = [("environment", ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"))]
    (done,) = open_engine("processes", 2).map(units, Begin(tmp_path))
    assert done.result[1] == {"OMP_NUM_THREADS": "3", "CUDA_VISIBLE_DEVICES": "4"}  # type: ignore


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"name": "process"}, "nearest is 'processes'"),
        ({"name": "serial", "workers": 2}, "one unit at a time"),
        ({"name": "processes", "workers": -1}, "workers is -1"),
        ({"name": "processes", "address": "auto"}, "address is 'auto'"),
        ({"name": "ray", "gpus": 1.5}, "gpus is 1.5"),
        ({"name": "ray", "gpus": -1.0}, "gpus is -1.0"),
    ],
)
def test_a_bad_value_is_refused(settings: dict, complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        open_engine(**settings)
