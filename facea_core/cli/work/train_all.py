"""`facea train-all`: from folders of photos to identity files, a table and a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import fmean

from tqdm import tqdm

from ...audit import AuditConfig
from ...detection.config import DetectConfig
from ...engines import open_engine
from ...engines.place import gpus
from ...errors import FaceAError, TrainingError, shortened
from ...io.output_files import require_writable_folder, write_json
from ...people.folders import REPORT, PersonFolder, people_in, read_classes
from ...people.learn import (
    FAILED,
    FOUND,
    RUNS,
    Learned,
    Learner,
    Recipe,
    seconds_per_step,
    train_everybody,
)
from ...people.told import aligned, people_table
from ...training import TrainConfig
from ...types import StepReport
from ..forms import TrainAll
from ..talk import bar, note, notes, say
from .detectors import detector_model
from .enrolled import from_anywhere


def train_all(
    flags: TrainAll, training: TrainConfig, detection: DetectConfig, audit: AuditConfig
) -> None:
    if flags.engine == "ray":  # Its processes may run in another folder.
        flags = replace(flags, people=flags.people.absolute(), out=flags.out.absolute())
    # Everything that can be wrong is found out before the minutes of work.
    classes = read_classes(flags.classes) if flags.classes else {}
    people = people_in(flags.people, flags.class_noun, classes, apart=flags.out)
    engine = open_engine(flags.engine, flags.workers, flags.address)
    require_writable_folder(flags.out)
    recipe = _recipe(flags, training, detection, audit)
    plan, about = recipe.planned()
    notes("--base", about)
    note(str(plan))
    if flags.dry_run:
        _foretell(people, recipe)
        return
    learned: dict[str, Learned] = {}
    try:
        with bar("training", len(people), "person") as shown:

            def on_step(report: StepReport) -> None:
                shown.set_postfix_str(f"step {report.step} of {training.steps}")

            def watched() -> Learner:
                return replace(recipe(), on_step=on_step)

            # In other processes nobody looks at the steps.
            start = watched if flags.engine == "serial" else recipe
            for one in train_everybody(people, start, engine):
                learned[one.folder] = one
                notes(one.name, one.notes)
                if one.error:
                    note(f"{one.name}: {one.error}")
                shown.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {len(learned)} of {len(people)} people are done, and the same command goes "
            "on with the others"
        ) from None
    finally:
        everybody = [learned[str(one.folder)] for one in people if str(one.folder) in learned]
        _report(everybody, flags.out)
    with suppress(OSError):
        (flags.out / RUNS).rmdir()  # only if nothing is in it
    say(people_table(everybody))
    if failed := [one.name for one in everybody if one.state == FAILED]:
        raise TrainingError(
            f"{len(failed)} of {len(people)} people could not be learned "
            f"({shortened(', '.join(failed))}); see {flags.out / REPORT} for the reasons"
        )


def _recipe(
    flags: TrainAll, training: TrainConfig, detection: DetectConfig, audit: AuditConfig
) -> Recipe:
    base, vae, model = flags.base, flags.vae, detector_model(flags)
    if flags.engine == "ray":
        base = from_anywhere(base)
        vae, model = vae and vae.absolute(), model and model.absolute()
    return Recipe(
        base,
        flags.out,
        training,
        detection,
        audit,
        captions=flags.captions,
        prediction=flags.prediction,
        vae=vae,
        clip_skip=flags.clip_skip,
        detector=flags.detector,
        detector_model=model,
        device=flags.device,
        sharing=ceil(flags.workers / max(len(gpus()), 1)) if flags.engine == "processes" else 1,
    )


def _report(everybody: Sequence[Learned], out: Path) -> None:
    if everybody:
        counts = Counter(one.state for one in everybody)
        write_json({**counts, "people": [one.to_dict() for one in everybody]}, out / REPORT)


def _foretell(people: Sequence[PersonFolder], recipe: Recipe) -> None:
    """Who would be trained, who is found, and how long it takes where that was measured."""
    # Only to find somebody the model and the photos have to be read.
    able = [one.name for one in people if not one.problem]
    known = {name for name in able if any(recipe.out.glob(f"{name}*.safetensors"))}
    learner = recipe() if known else None
    rows, paces, left = [("name", "class", "photos", "what would be done")], [], 0
    with bar("looking", len(people), "person") as shown:
        for one in people:
            what, file = one.problem and f"{FAILED}: {one.problem}", None
            if learner is not None and one.name in known and not what:
                try:
                    file = learner.trained_file(one)
                except FaceAError as error:
                    what = f"{FAILED}: {error}"
            if file is not None:
                what = f"{FOUND}: {file}"
                paces += [pace] if (pace := seconds_per_step(file)) else []
            left += not what
            rows.append((one.name, one.class_noun, str(len(one.photos)), what or "train"))
            shown.update()
    for line in aligned(rows):
        say(line)
    if paces and left:
        pace, steps = fmean(paces), recipe.training.steps
        time = tqdm.format_interval(pace * steps * left)
        say(
            f"{left} to train: about {time} for one worker, at {pace:.3f} s a step as it was "
            "measured with those that are found"
        )
    else:
        say(f"{left} to train; how long it takes is not known before somebody was trained here")
