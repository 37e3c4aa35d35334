"""Trainings in processes of their own at once: nobody is lost, nothing is trained twice."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import facea_core
from facea_core.identity import load_identity
from facea_core.training.state import STATE_FILE

from ..unit.learner import hidden, learn

SCRIPT = Path(__file__).parents[1] / "unit" / "learner.py"


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
