"""`facea benchmark`: how like people become, what each part of the method adds, and others do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from tqdm import tqdm
from tyro.conf import arg

from ..backbone import load_backbone
from ..composing import ComposeConfig
from ..demo import HAIR_ROOM
from ..detection.base import Detector
from ..detection.load import load_detector
from ..errors import ConfigError
from ..evaluation import TinyEmbedder, embedder_for, load_embedder
from ..fidelity.features import load_features
from ..fidelity.folders import person_folders, read_scenes, read_subject
from ..fidelity.judge import Judge
from ..fidelity.outcome import markdown
from ..fidelity.run import Benchmark as Runner
from ..fidelity.run import BenchmarkConfig, preset_of
from ..fidelity.subjects import Scene, Subject, painted_subject
from ..tiny.model import load_attribute_probe
from .detectors import DetectorFlags, open_detector
from .flags import ConfigFile, parse, pick_device, read_config
from .talk import notes, say

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
Folder = Annotated[Path | None, arg(metavar="DIR")]


@dataclass(frozen=True)
class Benchmark(DetectorFlags):
    """Learn people that nobody tuned to, paint them into pictures of others, and measure that.

    May be stopped at any time; the same command goes on. The tables and index.html tell of all
    that is in the folder.
    """

    out: Path = Path("benchmark")
    """Folder for pictures, identities, lines of figures, tables and a page."""
    base: Annotated[str, arg(metavar="CKPT|DIR|tiny")] = "tiny"
    """The inpainting model that all arms share."""
    people_from: Folder = None
    """Real people: a folder of photos for each, with others in heldout/; none = painted people."""
    scenes_from: Folder = None
    """Pictures to paint them into, and NAME.txt with what is asked for in NAME.jpg."""
    clip: Folder = None
    """A CLIP, for CLIP-I and CLIP-T."""
    dino: Folder = None
    """A DINOv2 or ViT, for DINO."""
    embedder: str = "auto"
    """tiny (painted people) or landmarks (photographs); auto goes by who found the faces."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    config: ConfigFile = None
    """Flags from a JSON file."""


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea benchmark", Benchmark, arguments, read_config(arguments), benchmark=BenchmarkConfig()
    )
    config: BenchmarkConfig = configs["benchmark"]
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
