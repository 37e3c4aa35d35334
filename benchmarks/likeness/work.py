"""From people and scenes to tables and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from facea_core.backbone import load_backbone
from facea_core.cli.talk import notes, say
from facea_core.cli.work.detectors import open_detector, pick_device
from facea_core.composing import ComposeConfig
from facea_core.demo import HAIR_ROOM
from facea_core.detection.base import Detector
from facea_core.detection.load import load_detector
from facea_core.errors import ConfigError
from facea_core.evaluation import TinyEmbedder, embedder_for, load_embedder
from facea_core.evaluation.identity_encoder import load_attribute_probe

from .config import BenchmarkConfig
from .features import load_features
from .folders import person_folders, read_scenes, read_subject
from .form import Benchmark
from .metrics import Judge
from .run import Benchmark as Runner
from .run import preset_of
from .subjects import Scene, Subject, painted_subject
from .tables import markdown

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
