"""The benchmark itself: every person in every arm in every scene, once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter

from torch import Tensor

from facea_core.audit import captioned
from facea_core.backbone import Backbone
from facea_core.composing import ComposeConfig
from facea_core.detection.base import Detector
from facea_core.errors import ConfigError
from facea_core.identity.subject import Subject as LearnedSubject
from facea_core.identity_store.store import train_once
from facea_core.io.files import atomic_path
from facea_core.io.generated_images import save_generated
from facea_core.io.images import load_image, save_image
from facea_core.io.output_files import require_writable_folder
from facea_core.selection import person_rank
from facea_core.training import TrainConfig
from facea_core.training.config import preset_for
from facea_core.types import Identity

from .arms import Arm, arms
from .cached_backbone import KnowingBackbone
from .config import BenchmarkConfig
from .generate import paint_scene
from .html import GIVEN, page
from .journal import Journal, read_rows
from .metrics import Judge
from .subjects import Subject
from .tables import Result, as_csv, as_dict, markdown, results

OnProgress = Callable[[str, float, float], None]
"""Called with (what, done, total), in steps of training and painting. To cancel, raise."""
WHOLE = -1
"""The scene of a line about all pictures of a person."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What a run works with. `subjects` makes the person of an index when it is their turn."""

    folder: Path
    config: BenchmarkConfig
    backbone: Backbone
    subjects: Callable[[int], Subject]
    judge: Judge
    detector: Detector
    preset: TrainConfig
    compose: ComposeConfig = field(default_factory=ComposeConfig)

    def run(self, on_progress: OnProgress | None = None) -> None:
        """Whatever is not done yet; see `read_rows` for what came out.

        The same folder may be given again after any end, and to several processes with a part each.
        """
        tell = on_progress or (lambda what, done, total: None)
        require_writable_folder(self.folder)
        number, count = self.config.share
        journal = Journal(self.folder, self._about(), number)
        mine = range(number - 1, self.config.people, count)
        ways = arms(self.config.arms)
        costs = [self._cost(arm) for arm in ways]
        total, spent = sum(costs) * len(mine), 0.0
        for index in mine:
            subject = self.subjects(index)
            knowing = replace(self, backbone=KnowingBackbone.of(self.backbone))
            for arm, cost in zip(ways, costs, strict=True):
                at = partial(_at, tell, f"{subject.name}, {arm.name}", spent, total)
                at(0)
                knowing._unit(journal, subject, arm, at)
                spent += cost

    def report(self, scenes: int = 5) -> list[Result]:
        """Tables of what is there by now as `table.md`, `.csv` and `.json`, and `index.html`."""
        found = results(read_rows(self.folder))
        subjects = [self.subjects(index) for index in range(self.config.people)]
        for subject in subjects:
            self._show(subject)
        for name, text in (
            ("table.md", markdown(found)),
            ("table.csv", as_csv(found)),
            ("table.json", json.dumps(as_dict(found), indent=2) + "\n"),
            ("index.html", page(found, subjects, self.folder, scenes)),
        ):
            with atomic_path(self.folder / name) as temporary:
                temporary.write_text(text, "utf-8")
        return found

    def _show(self, subject: Subject) -> None:
        """The pictures that no arm made."""
        folder = self.folder / "pictures" / GIVEN
        given = [(f"photo-{i}", photo.image) for i, photo in enumerate(subject.photos)]
        for i, scene in enumerate(subject.scenes):
            given += [(f"context-{i}", scene.image)]
            given += [] if scene.answer is None else [(f"answer-{i}", scene.answer)]
        for name, image in given:
            path = folder / f"{subject.name}-{name}.png"
            if not path.exists():
                save_image(image, path)

    def _about(self) -> dict[str, str | int]:
        """What must be the same for lines to be comparable."""
        return {
            "family": self.backbone.spec.family,
            "backbone": self.backbone.hash,
            "preset": self.preset.hash,
            "compose": json.dumps(asdict(self.compose)),
            "measured by": self.judge.name,
            "detector": _named(self.detector),
            "first": self.config.first,
            "scenes": self.config.scenes,
        }

    def _cost(self, arm: Arm) -> float:
        """About how many steps of the preset's an arm takes for one person."""
        way = self._training(arm)
        learned = way.steps * way.items / self.preset.batch
        steps = self.compose.steps * arm.painting.get("candidates", 1)
        painting = 0.0 if arm.kind == "paste" else self.config.scenes * steps / 2
        return (learned if arm.kind == "train" else 0) + painting + 1

    def _training(self, arm: Arm) -> TrainConfig:
        return arm.training(self.preset)

    def _unit(
        self, journal: Journal, subject: Subject, arm: Arm, tell: Callable[[float], None]
    ) -> None:
        """One person in one arm."""
        known = [row for row in read_rows(self.folder)
                 if (row["person"], row["arm"]) == (subject.name, arm.name)]  # fmt: skip
        if any(row.get("made_of") != subject.made_of for row in known):
            raise ConfigError(
                f"{self.folder} holds {subject.name} from other pictures; use a new folder"
            )
        done = {row["scene"] for row in known}
        missing = [i for i in range(len(subject.scenes)) if i not in done]
        if missing:
            began = perf_counter()
            identity = self._learn(subject, arm, tell)
            rank = person_rank(subject.photos, self.detector, self.judge.embedder)
            seconds = perf_counter() - began
            for scene in missing:
                began = perf_counter()
                image = paint_scene(
                    arm, subject, scene, identity, self.backbone, self.compose, rank
                )
                path = self._picture(subject, arm, scene)
                save_generated(image, path)
                journal.add({
                    "person": subject.name, "arm": arm.name, "scene": scene,
                    "made_of": subject.made_of,
                    **self.judge(subject, subject.scenes[scene], image),
                    "train_seconds": seconds, "paint_seconds": perf_counter() - began,
                })  # fmt: skip
        if WHOLE not in done:
            shown = [self._load(subject, arm, i) for i in range(len(subject.scenes))]
            spread = self.judge.diversity(subject, shown)
            journal.add({"person": subject.name, "arm": arm.name, "scene": WHOLE,
                         "made_of": subject.made_of, "diversity": spread})  # fmt: skip

    def _learn(self, subject: Subject, arm: Arm, tell: Callable[[float], None]) -> Identity | None:
        """Found if another arm or an earlier run came to the same training."""
        if arm.kind != "train":
            return None
        config = arm.training(
            replace(self.preset, seed=subject.number, attributes=subject.attributes)
        )
        folder = self.folder / "identities" / subject.name
        share = config.items / self.preset.batch
        photos = subject.photos
        if arm.captioned == "seen":
            photos = captioned(photos)
        elif arm.captioned:
            photos = [replace(photo, caption=text)
                      for photo, text in zip(photos, subject.captions, strict=True)]  # fmt: skip
        runs = folder / "runs" / arm.name
        identity = train_once(
            photos, self.backbone, config, folder, runs,
            LearnedSubject(subject.name, subject.noun),
            on_tick=lambda done, total: tell(done * share),
        ).identity  # fmt: skip
        # A longer arm would go on from a shorter one, and look as if it took less time.
        shutil.rmtree(runs, ignore_errors=True)
        return identity

    def _picture(self, subject: Subject, arm: Arm, scene: int) -> Path:
        return self.folder / "pictures" / arm.name / f"{subject.name}-{scene}.png"

    def _load(self, subject: Subject, arm: Arm, scene: int) -> Tensor:
        return load_image(self._picture(subject, arm, scene), longest=None)[0]


def _at(tell: OnProgress, what: str, before: float, total: float, done: float) -> None:
    tell(what, before + done, total)


def _named(detector: Detector) -> str:
    """Its name, and those that "auto" asks: what is installed decides about them."""
    asked = [one.name for one in getattr(detector, "detectors", ())]
    return f"{detector.name}: {', '.join(asked)}" if asked else detector.name


def preset_of(backbone: Backbone) -> TrainConfig:
    """What the arms change."""
    return TrainConfig.from_preset(preset_for(backbone.spec.family))
