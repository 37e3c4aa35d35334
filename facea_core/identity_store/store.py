"""Identities on disk: a person is trained once, found again by content, and continues where it
stopped.

In the folder of identities, beside `<name>.safetensors`, lie `<name>.jpg`, what it painted while it
learned, and `<name>.json`, a record that LoRA managers can read. When another training of the same
name is saved, the older one is kept as `<name>-<its origin>`, the newest KEPT_OLDER of them; when
one of these is asked for again, it is put back. While a training is unfinished, its state, losses
and previews are in a folder of their own under `runs`; the last finished ones stay there too, for
whoever wants more steps.

Any number of threads and processes may share the folders: `shelf` and `runs` hold locks.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from torch import Tensor

from ..backbone import Backbone
from ..errors import IdentityFormatError, ImageError, StateError
from ..identity import load_identity
from ..identity.subject import SOMEBODY, Subject
from ..io.figures import Tile, draw_losses, draw_tiles
from ..io.images import load_image
from ..io.output_files import require_writable_folder
from ..training import Origin, Plan, Previewer, TrainConfig, best_plan, train_identity
from ..training.writer import settle
from ..types import Identity, OnStep, OnTick, Photo, StepReport
from .runs import (
    KEPT_RUNS,
    Journal,
    at_work,
    begin_from,
    keep_finished,
    pairs,
    resumable,
    set_aside,
    tidy,
)
from .shelf import KEPT_OLDER, bring_back, export, find_identity, move_away, publish

_LOG = logging.getLogger(__name__)
__all__ = ["KEPT_OLDER", "KEPT_RUNS", "Trained", "find_identity", "find_trained", "train_once"]


@dataclass(frozen=True, eq=False)
class Trained:
    """A person that was learned, now or earlier.

    `sheet (1, 3, H, W)` shows the previews, `plot (1, 3, h, w)` the loss; `record` holds plain
    values: `steps_run` (0 if it was found), `resumed_from`, `cached`, `seconds`, `loss`, `notes`,
    what a user should hear of, ...
    """

    identity: Identity
    path: Path
    sheet: Tensor
    plot: Tensor
    record: dict[str, Any]


def train_once(
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    folder: str | Path,
    runs: str | Path,
    subject: Subject = SOMEBODY,
    *,
    on_step: OnStep | None = None,
    on_tick: OnTick | None = None,
    on_encode: OnTick | None = None,
    previewer: Previewer | None = None,
    plan: Plan | None = None,
    words: str | Path | None = None,
    also: Sequence[Path] = (),
    origin: Origin | None = None,
) -> Trained:
    """The identity of exactly this training: found in `folder`, or trained and saved there.

    It may be found in the folders `also` as well, in which nothing is changed. `origin` is that of
    these inputs, for who has it already.

    What is the same is decided by content: photos, faces, settings that matter, weights, name, and
    the resolution of the plan. A training that was stopped continues from its state in `runs`, with
    the same bytes in the end, and so does one that only asks for more steps than another had, where
    that one's state is still there; one that is at work elsewhere is waited for, with `on_tick`. In
    the end the file under the plain name is this training's, and so are the words in the folder
    `words`, if one is given. Raises as `train_identity` and `save_identity` do; until the identity
    is saved nothing of an older one changes.
    """
    name = subject.name
    folder, runs = Path(folder), Path(runs)
    words = Path(words) if words is not None else None
    if words is not None:
        require_writable_folder(words / name)
    plan = plan or best_plan(backbone, config)
    origin = origin or Origin.of(photos, backbone.hash, config, subject)
    resolution, asked = plan.resolution, config.resolution or backbone.spec.resolution
    key = _key(origin, resolution, asked)

    def find() -> Trained | None:
        return find_trained(photos, origin, folder, resolution, asked=asked, words=words, also=also)

    def wait() -> None:
        if on_tick is not None:
            on_tick(0, config.steps)

    if (found := find()) is not None:
        return found
    began = perf_counter()
    require_writable_folder(folder)
    run = runs / key
    with at_work(run, wait):
        # The process that held the lock may have done all of it.
        if (found := find()) is not None:
            return found
        settle()
        notes = tidy(runs, keep=run)
        started = resumable(run)
        if started is None:
            begin_from(run, origin, plan.resolution)
            started = resumable(run)
        journal = Journal(run)
        how = {"seconds_per_step": 0.0, "seconds_of_previews": 0.0, "mode": "", "plan": ""}
        last = started or 0

        def report(step: StepReport) -> None:
            nonlocal last
            journal.add(step)
            last = step.step
            pace = step.seconds / max(step.step - (started or 0), 1)
            how.update(
                seconds_per_step=round(pace, 5), seconds_of_previews=round(step.painting, 3),
                mode=step.mode, plan=step.plan,
            )  # fmt: skip
            if on_step is not None:
                on_step(step)

        def learn() -> Identity:
            return train_identity(
                photos, backbone, config, subject, on_step=report, on_tick=on_tick,
                on_encode=on_encode, run_dir=run, resume=started is not None,
                previewer=previewer, plan=plan, origin=origin,
            )  # fmt: skip

        try:
            identity = learn()
        except StateError as error:
            notes.append(set_aside(run, error))
            started, last = None, 0
            identity = learn()
        if started and journal.threads[1:] and backbone.device.type == "cpu":
            notes.append(_other_threads(journal.threads))
        identity = replace(identity, meta=replace(identity.meta, origin=key))
        record = {
            "name": name,
            "origin": key,
            "photos": len(photos),
            "steps": identity.meta.steps,
            "steps_run": last - (started or 0),
            "resumed_from": started or 0,
            "cached": False,
            "threads": journal.threads,
            "seconds": round(perf_counter() - began, 2),
            **how,
            "loss": round(journal.losses[-1][1], 6) if journal.losses else None,
            "losses": journal.losses,
            "notes": notes + _smaller(identity, plan.resolution),
        }
        sheet = draw_tiles([*_portraits(photos), *journal.tiles()])
        path = publish(identity, folder, sheet, record, words)
        keep_finished(run)
    return Trained(identity, path, sheet, draw_losses(journal.losses), record)


def find_trained(
    photos: Sequence[Photo],
    origin: Origin,
    folder: str | Path,
    resolution: int,
    *,
    asked: int | None = None,
    words: str | Path | None = None,
    also: Sequence[Path] = (),
) -> Trained | None:
    """The identity that `train_once` would find: what was learned before needs no model.

    At `resolution` pixels, where `asked` were asked for (None = as many). Raises as `train_once`.
    """
    folder, words = Path(folder), Path(words) if words is not None else None
    name, key = origin.subject.name, _key(origin, resolution, asked or resolution)
    while (path := find_identity(folder, name, key, resolution)) is not None:
        try:
            return _found(path, folder, photos, resolution, words)
        except IdentityFormatError:
            # Trained again; kept for inspection, under an ending that nothing reads.
            move_away(path, path.with_suffix(".damaged"))
    for place in also:
        path = find_identity(place, name, key, resolution)
        if path is not None:
            with suppress(IdentityFormatError):
                return _found(path, None, photos, resolution, words)
    return None


def trained_file(origin: Origin, folder: str | Path, resolution: int, asked: int) -> Path | None:
    """The file in `folder` that `find_trained` would find by its name; nothing is changed."""
    key = _key(origin, resolution, asked)
    return find_identity(folder, origin.subject.name, key, resolution)


def _key(origin: Origin, resolution: int, asked: int) -> str:
    """16 hex digits over everything that the result depends on, as the run is planned.

    The origin's own where the run has the resolution that was asked for, as files of before have.
    """
    if resolution == asked:
        return origin.key
    return hashlib.sha256(f"{origin.key} at {resolution} px".encode()).hexdigest()[:16]


def _found(
    path: Path, folder: Path | None, photos: Sequence[Photo], planned: int, words: Path | None
) -> Trained:
    """The training in the file `path`, put back to its name in `folder`; None = left as it is."""
    identity = load_identity(path)
    # Only the identity counts; what lies beside it may have been tidied away or edited.
    record = _read_record(path.with_suffix(".json"), identity.meta.origin)
    losses = record["losses"]
    try:
        sheet, _ = load_image(path.with_suffix(".jpg"))
    except ImageError:
        sheet = draw_tiles(_portraits(photos))
    record = {
        **record,
        "steps": identity.meta.steps,
        "steps_run": 0,
        "resumed_from": 0,
        "cached": True,
        "seconds": 0.0,
        "saved": "found",
        "notes": _smaller(identity, planned),
    }
    if folder is None:
        export(identity, words, path)
    else:
        path = bring_back(identity, path, folder, words)
    return Trained(identity, path, sheet, draw_losses(losses), record)


def _other_threads(counts: Sequence[int]) -> str:
    note = (
        f"it went on with another number of threads than before ({', '.join(map(str, counts))}); "
        "the result is as good, and not the same to the byte"
    )
    _LOG.warning("FaceA: %s", note)
    return note


def _smaller(identity: Identity, planned: int) -> list[str]:
    """A note if memory ran out on the way: the plan is the same again, so the person is found."""
    learned = identity.meta.resolution
    if learned in (0, planned):
        return []
    return [
        f"learned at {learned} px, for memory ran out at {planned}; with more memory free, delete "
        "the file and train again"
    ]


def _read_record(path: Path, origin: str) -> dict[str, Any]:
    """The record of that training; nothing if it is another's."""
    try:
        record = dict(json.loads(path.read_text("utf-8"))["facea"])
        if record.get("origin", origin) == origin:
            return {**record, "losses": pairs(record["losses"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {"losses": []}


def _portraits(photos: Sequence[Photo]) -> list[Tile]:
    return [Tile(photos[0].image, "learned from")]
