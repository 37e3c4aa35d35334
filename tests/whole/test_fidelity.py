"""FaceA-Bench from end to end on the miniature, in little: stopped anywhere, the same table."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.likeness.arms import arms
from benchmarks.likeness.journal import read_rows
from benchmarks.likeness.metrics import Judge
from benchmarks.likeness.run import Benchmark, BenchmarkConfig, preset_of
from benchmarks.likeness.subjects import painted_subject
from facea_core.backbone import load_backbone
from facea_core.composing import ComposeConfig
from facea_core.detection.load import load_detector
from facea_core.evaluation import TinyEmbedder
from facea_core.evaluation.identity_encoder import load_attribute_probe

CONFIG = BenchmarkConfig(people=2, scenes=2, arms="caption, paste, no-local")
TABLES = ("table.md", "table.csv", "table.json")


class Stop(Exception):
    """What a host raises to cancel."""


def benchmark(folder: Path, **changes) -> Benchmark:
    """Two steps of training, where there are hundreds, and two of each painting."""
    config, detector = replace(CONFIG, **changes), load_detector("tiny")
    backbone = load_backbone("tiny")
    return Benchmark(
        folder, config, backbone,
        lambda index: painted_subject(index, config.scenes, 128, detector),
        Judge(TinyEmbedder(), load_attribute_probe()), detector,
        replace(preset_of(backbone), steps=2, variants=1, save_every=1), ComposeConfig(steps=2),
    )  # fmt: skip


def measured(folder: Path) -> list[dict]:
    return [
        {key: value for key, value in row.items() if not key.endswith("seconds")}
        for row in read_rows(folder)
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    runner = benchmark(folder)
    runner.run()
    runner.report()
    return folder


def test_every_person_is_in_every_arm_and_scene_once(finished: Path):
    names = [arm.name for arm in arms(CONFIG.arms)]
    wanted = {(p, a, s) for p in ("person-0", "person-1") for a in names for s in (-1, 0, 1)}
    rows = measured(finished)
    assert {(row["person"], row["arm"], row["scene"]) for row in rows} == wanted
    assert len(rows) == len(wanted)
    assert all(row["outside"] == 0 for row in rows if row["scene"] >= 0 and row["arm"] != "paste")
    # The preset has no local tasks: the same training under two names is done once.
    assert len(list((finished / "identities" / "person-0").glob("*.safetensors"))) == 1


def test_the_page_shows_pictures_that_are_there(finished: Path):
    html = (finished / "index.html").read_text("utf-8")
    pictures = [part.split('"')[0] for part in html.split('src="')[1:]]
    assert len(pictures) == 2 * (3 + 2 + 2 + 4 * 2)
    assert all((finished / picture).is_file() for picture in pictures)
    assert "generated" in html
    assert "http" not in html


def test_stopped_wherever_it_is_it_ends_with_the_same_table(finished: Path, tmp_path: Path):
    def until(limit: int):
        calls = iter(range(10**6))

        def on_progress(what: str, done: float, total: float) -> None:
            if next(calls) >= limit:
                raise Stop

        return on_progress

    for stop in (1, 4, 7):
        with pytest.raises(Stop):
            benchmark(tmp_path).run(until(stop))
    runner = benchmark(tmp_path)
    runner.run()
    runner.report()
    assert measured(tmp_path) == measured(finished)
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()


def test_two_processes_share_the_people(finished: Path, tmp_path: Path):
    for part in ("2/2", "1/2"):
        benchmark(tmp_path, part=part).run()
    assert measured(tmp_path) == measured(finished)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_it_goes_on(finished: Path, tmp_path: Path):
    code = (
        "import sys, torch; sys.path.insert(0, sys.argv[2])\n"
        "torch.set_num_threads(int(sys.argv[3]))\n"
        "from pathlib import Path\n"
        "from tests.whole.test_fidelity import benchmark\n"
        "benchmark(Path(sys.argv[1])).run()\n"
    )
    root = str(Path(__file__).parents[2])
    for lines in (1, 4):
        # As many threads as here: a sum in another order has other last bits.
        command = [sys.executable, "-c", code, str(tmp_path), root, str(torch.get_num_threads())]
        process = subprocess.Popen(command, cwd=root)
        while process.poll() is None and len(read_rows(tmp_path)) < lines:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    benchmark(tmp_path).run()
    assert measured(tmp_path) == measured(finished)
    about = json.loads((tmp_path / "benchmark.json").read_text("utf-8"))
    assert about["scenes"] == CONFIG.scenes
