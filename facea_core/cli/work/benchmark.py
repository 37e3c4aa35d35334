"""`facea benchmark`: from people and scenes to tables and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ...backbone import load_backbone
from ...composing import ComposeConfig
from ...demo import HAIR_ROOM
from ...detection.base import Detector
from ...detection.load import load_detector
from ...errors import ConfigError
from ...evaluation import TinyEmbedder, embedder_for, load_embedder
from ...fidelity.config import BenchmarkConfig
from ...fidelity.features import load_features
from ...fidelity.folders import person_folders, read_scenes, read_subject
from ...fidelity.judge import Judge
from ...fidelity.outcome import markdown
from ...fidelity.run import Benchmark as Runner
from ...fidelity.run import preset_of
from ...fidelity.subjects import Scene, Subject, painted_subject
from ...tiny.model import load_attribute_probe
from ..benchmark import Benchmark
from ..talk import notes, say
from .detectors import open_detector, pick_device

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


def benchmark(flags: Benchmark, config: BenchmarkConfig) -> None:
    more = [load_features(folder) for folder in (flags.clip, flags.dino) if folder is not None]
    backbone = load_backbone(flags.base, pick_device(flags.device))
    notes("--base", backbone.notes)
    if flags.people_from is None and flags.scenes_from is None:
        detector = load_detector("tiny")
        subjects = partial(_painted, config, backbone.spec.resolution, detector)
        judge = Judge(TinyEmbedder(), load_attribute_probe(), more)
        compose = ComposeConfig(hair_room=HAIR_ROOM)
    elif flags.people_from is not None and flags.scenes_from is not None:
        folders = person_folders(flags.people_from)
        config = replace(config, people=min(config.people, len(folders)))
        detector = open_detector(flags, flags.device)
        scenes = read_scenes(flags.scenes_from, config.scenes, detector)
        subjects = partial(_photographed, folders, scenes, detector)
        if flags.embedder == "auto":
            embedder = embedder_for([photo.attributes for photo in subjects(0).photos])
        else:
            embedder = load_embedder(flags.embedder)
        judge = Judge(embedder, more=more)
        compose = ComposeConfig()
    else:
        raise ConfigError("real people need pictures to be painted into: give both, --people-from "
                          "and --scenes-from, or none")  # fmt: skip
    runner = Runner(
        flags.out, config, backbone, subjects, judge, detector, preset_of(backbone), compose
    )
    with tqdm(total=1.0, disable=None, leave=False, bar_format=BAR) as shown:

        def on_progress(what: str, done: float, total: float) -> None:
            shown.set_description_str(what, refresh=False)
            shown.update(done / total - shown.n)

        runner.run(on_progress)
    say(markdown(runner.report()))
    say(f"look at {flags.out / 'index.html'}")


def _painted(config: BenchmarkConfig, size: int, detector: Detector, index: int) -> Subject:
    return painted_subject(config.first + index, config.scenes, size, detector)


def _photographed(
    folders: Sequence[Path], scenes: Sequence[Scene], detector: Detector, index: int
) -> Subject:
    return read_subject(folders[index], index, scenes, detector)
