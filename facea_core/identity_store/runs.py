"""Trainings on disk: one folder each, with state, losses and previews.

The newest finished ones lie under `finished`, for whoever asks for more steps of the same. A run at
work holds the lock `<folder>.lock` beside its folder; nobody else touches the folder then.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any

import torch

from ..errors import AssetError, StateError
from ..io.figures import Tile
from ..io.generated_images import save_generated
from ..io.images import load_image
from ..io.locks import locked
from ..io.output_files import write_json
from ..training.origin import Origin
from ..training.state import STATE_FILE, can_begin, saved_step
from ..types import StepReport

KEPT_RUNS = 4
"""Unfinished trainings whose state is kept; older ones are deleted, but for those at work."""

KEPT_FINISHED = 2
"""Finished trainings whose state is kept: three times as large as the identity in float32."""

_LOG = logging.getLogger(__name__)
_FINISHED = "finished"
_JOURNAL = "journal.json"
_LOCK, _DAMAGED = ".lock", ".damaged"
_UNWRITTEN = shutil.ignore_patterns(".*.tmp.*")


@contextmanager
def at_work(run: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Until the block ends, this run is nobody else's; `wait` as in `locked`."""
    with locked(run.with_name(run.name + _LOCK), wait):
        yield


def sweep(folder: Path, pattern: str, age: float = 0.0) -> None:
    """Remove temporary files that nobody finished, if nothing was written for `age` seconds.

    Only where no living process can be writing files of this pattern.
    """
    for leftover in folder.glob(pattern):
        with suppress(OSError):
            if time() - leftover.stat().st_mtime >= age:
                leftover.unlink()


def tidy(runs: Path, keep: Path) -> list[str]:
    """What the dead have left in `runs`, and the oldest unfinished runs but for KEPT_RUNS.

    `keep` counts among them. Nothing of a run at work is touched. Returns a note for each deleted.
    """
    sweep(keep, ".*.tmp.*")
    notes, kept = [], 1
    folders = [path for path in _folders(runs) if path not in (keep, runs / _FINISHED)]
    for folder in sorted(folders, key=_modified, reverse=True):
        state = folder / STATE_FILE
        with locked(folder.with_name(folder.name + _LOCK)) as mine:
            if mine:
                sweep(folder, ".*.tmp.*")
                with suppress(OSError):
                    folder.rmdir()  # only if it is empty
            if not state.exists():
                continue
            kept += 1
            if mine and kept > KEPT_RUNS:
                note = (
                    f"an unfinished training was deleted, at step {saved_step(folder)} ({folder}): "
                    f"only the newest {KEPT_RUNS} are kept"
                )
                shutil.rmtree(folder, ignore_errors=True)
                _LOG.warning("FaceA: %s", note)
                notes.append(note)
    damaged = sorted(runs.glob(f"*{_DAMAGED}"), key=_modified, reverse=True)
    for file in damaged[KEPT_RUNS:]:
        with suppress(OSError):
            file.unlink()
    return notes


def resumable(run: Path) -> int | None:
    """The step that the run says it can go on from; None = it begins.

    Raises `AssetError` for a state that cannot be read now: it stays.
    """
    state = run / STATE_FILE
    try:
        with open(state, "rb") as file:
            file.read(1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AssetError(
            f"cannot read {state} ({error.strerror or error}), the state of an unfinished "
            "training, which is left as it is; fix its permissions to go on from it, or move it "
            "away to begin anew"
        ) from error
    return saved_step(run)


def keep_finished(run: Path) -> None:
    """Put a run that is done where one with more steps may begin; the newest are kept."""
    finished = run.parent / _FINISHED
    try:
        finished.mkdir(exist_ok=True)
        shutil.rmtree(finished / run.name, ignore_errors=True)
        run.replace(finished / run.name)
    except OSError:
        shutil.rmtree(run, ignore_errors=True)
    for folder in sorted(_folders(finished), key=_modified, reverse=True)[KEPT_FINISHED:]:
        shutil.rmtree(folder, ignore_errors=True)


def begin_from(run: Path, origin: Origin, resolution: int) -> None:
    """Copy into `run` the furthest other run, finished or not, whose steps are its first ones.

    If there is none, or it cannot be copied, nothing changes.
    """
    folders = [*_folders(run.parent), *_folders(run.parent / _FINISHED)]
    # Who deletes an identity and trains it again wants it trained again.
    others = [folder for folder in folders if folder.name != run.name]
    done = {other: can_begin(other / STATE_FILE, origin, resolution) for other in others}
    furthest = max(others, key=lambda other: done[other], default=run)
    if not done.get(furthest):
        return
    try:
        shutil.copytree(furthest, run, ignore=_UNWRITTEN, dirs_exist_ok=True)
    except OSError:  # it was being tidied away, or the disk is full
        shutil.rmtree(run, ignore_errors=True)


def set_aside(run: Path, error: StateError) -> str:
    """Move the state out of the way, to be looked at or deleted; returns a note."""
    state, aside = run / STATE_FILE, run.with_name(run.name + _DAMAGED)
    try:
        state.replace(aside)
    except OSError as refusal:
        raise AssetError(
            f"cannot move {state}, which no run can go on from, out of the way "
            f"({refusal.strerror or refusal}); delete it"
        ) from error
    note = (
        f"the training began anew, for its saved state cannot be used and is now {aside} "
        f"({str(error).partition(';')[0]})"
    )
    _LOG.warning("FaceA: %s", note)
    return note


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir()]
    except OSError:
        return []


def _modified(path: Path) -> float:
    """When the file, or the state in the folder, was written; 0 if there is none."""
    try:
        return (path / STATE_FILE if path.is_dir() else path).stat().st_mtime
    except OSError:
        return 0.0


class Journal:
    """Losses and previews of a run, on disk, so that one that continues has all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            said = json.loads((folder / _JOURNAL).read_text("utf-8"))
            self._losses = dict(pairs(said["losses"]))
            self.threads = [int(count) for count in said.get("threads", ())]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self._losses, self.threads = {}, []
        # Each time of the run has its own: sums are rounded by how many threads share them.
        if self.threads[-1:] != [torch.get_num_threads()]:
            self.threads.append(torch.get_num_threads())

    @property
    def losses(self) -> list[tuple[int, float]]:
        return sorted(self._losses.items())

    def add(self, report: StepReport) -> None:
        self._losses[report.step] = report.loss
        if report.previews is not None:
            picture = self.folder / f"preview-{report.step:06}.png"
            save_generated(report.previews[0], picture)
        write_json({"losses": self.losses, "threads": self.threads}, self.folder / _JOURNAL)

    def tiles(self) -> list[Tile]:
        files = sorted(self.folder.glob("preview-*.png"))
        return [Tile(load_image(f)[0], f"step {int(f.stem.split('-')[1])}") for f in files]


def pairs(losses: Any) -> list[tuple[int, float]]:
    """(step, loss) as JSON gives them back."""
    return [(int(step), float(loss)) for step, loss in losses]
