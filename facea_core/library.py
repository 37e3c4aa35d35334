"""Identities on disk: a person is trained once, found again by content, and goes on where it
stopped.

In the folder of identities, beside `<name>.safetensors`, lie `<name>.jpg`, what it painted while it
learned, and `<name>.json`, a record that LoRA managers can read. When another training of the same
name is saved, the older one is kept as `<name>-<its origin>`. While a training is unfinished, its
state, losses and previews are in a folder of their own under `runs`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from torch import Tensor

from .backbone import Backbone
from .errors import AssetError, IdentityFormatError, ImageError
from .identity import check_name, load_identity, peek_identity, save_identity
from .images import load_image, save_image
from .outputs import GENERATED, require_writable_folder, write_json
from .report import Tile, draw_losses, draw_tiles
from .training import Judge, Plan, Previewer, TrainConfig, train_identity
from .training.cache import photos_hash
from .training.state import STATE_FILE, Origin, saved_step
from .training.writer import settle
from .types import Identity, OnStep, OnTick, Photo, StepReport

KEPT_RUNS = 4
"""Unfinished trainings whose state is kept; older ones are deleted."""

_JOURNAL = "journal.json"
_SD_VERSIONS = {"sd15": "SD1", "sd2": "SD2", "sdxl": "SDXL"}  # as LoRA managers write it
_BESIDE = (".jpg", ".json")


@dataclass(frozen=True, eq=False)
class Trained:
    """A person that was learned, now or earlier.

    `sheet (1, 3, H, W)` shows the previews, `plot (1, 3, h, w)` the loss; `record` holds plain
    values: `steps_run` (0 if it was found), `resumed_from`, `cached`, `seconds`, `loss`, ...
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
    *,
    name: str = "person",
    class_noun: str = "person",
    on_step: OnStep | None = None,
    on_tick: OnTick | None = None,
    previewer: Previewer | None = None,
    judge: Judge | None = None,
    plan: Plan | None = None,
) -> Trained:
    """The identity of exactly this training: found in `folder`, or trained and saved there.

    What is the same is decided by content: photos, faces, settings that matter, weights, name. A
    training that was stopped goes on from its state in `runs`, with the same bytes in the end.
    Raises as `train_identity` and `save_identity` do; until the identity is saved nothing of an
    older one changes.
    """
    check_name(name)
    folder, runs = Path(folder), Path(runs)
    origin = Origin(config, photos_hash(photos), backbone.hash, name, class_noun)
    found = find_identity(folder, name, origin.key)
    if found is not None:
        try:
            return _found(found, photos)
        except IdentityFormatError:
            # Learned anew; kept for whoever wants to look, under an ending that nobody reads.
            _move(found, found.with_suffix(".damaged"))

    began = perf_counter()
    require_writable_folder(folder)
    run = runs / origin.key
    settle()
    _prune(runs, keep=run)
    journal = _Journal(run)
    how = {"seconds_per_step": 0.0, "seconds_of_previews": 0.0, "mode": "", "plan": ""}
    started = saved_step(run)
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

    identity = train_identity(
        photos,
        backbone,
        config,
        name=name,
        class_noun=class_noun,
        on_step=report,
        on_tick=on_tick,
        run_dir=run,
        resume=started is not None,
        previewer=previewer,
        judge=judge,
        plan=plan,
    )
    record = {
        "name": name,
        "origin": origin.key,
        "photos": len(photos),
        "steps": identity.meta.steps,
        "steps_run": last - (started or 0),
        "resumed_from": started or 0,
        "cached": False,
        "seconds": round(perf_counter() - began, 2),
        **how,
        "loss": round(journal.losses[-1][1], 6) if journal.losses else None,
        "losses": journal.losses,
    }
    sheet = draw_tiles([*_portraits(photos), *journal.tiles()])
    path = _save(identity, folder, sheet, record)
    shutil.rmtree(run, ignore_errors=True)
    return Trained(identity, path, sheet, draw_losses(journal.losses), record)


def find_identity(folder: str | Path, name: str, key: str) -> Path | None:
    """The file of the training with this key among those of that name, whatever it is called."""
    for path in sorted(Path(folder).glob(f"{name}*.safetensors")):
        about = peek_identity(path)
        if about is not None and _origin(about) == key:
            return path
    return None


def _found(path: Path, photos: Sequence[Photo]) -> Trained:
    identity = load_identity(path)
    # Only the identity counts; what lies beside it may have been tidied away or edited.
    record = _read_record(path.with_suffix(".json"))
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
    }
    return Trained(identity, path, sheet, draw_losses(losses), record)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = dict(json.loads(path.read_text("utf-8"))["facea"])
        return {**record, "losses": _pairs(record["losses"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {"losses": []}


def _pairs(losses: Any) -> list[tuple[int, float]]:
    """(step, loss) as JSON gives them back."""
    return [(int(step), float(loss)) for step, loss in losses]


def _save(identity: Identity, folder: Path, sheet: Tensor, record: dict[str, Any]) -> Path:
    """Write the three files; adds to the record what reading the identity back has proved."""
    path = folder / f"{identity.name}.safetensors"
    fresh = folder / f".{identity.name}.new.safetensors"
    try:
        record["saved"] = save_identity(identity, fresh)
        _keep_older(path)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    save_image(sheet, path.with_suffix(".jpg"), text=GENERATED)
    about = {
        "description": f"{identity.name}: a person learned by FaceA from photos; pictures made "
        "with it are generated",
        "sd version": _SD_VERSIONS.get(identity.meta.family, "Unknown"),
        "activation text": identity.meta.prompt,
        "preferred weight": 1.0,
        "facea": record,
    }
    write_json(about, path.with_suffix(".json"))
    return path


def _keep_older(path: Path) -> None:
    """Move another training's files of this name out of the way; nothing is overwritten."""
    if not path.exists():
        return
    about = peek_identity(path)
    label = _origin(about or {}) or f"{path.stat().st_mtime_ns:x}"
    moved: list[tuple[Path, Path]] = []
    try:
        for file in (path, *(path.with_suffix(ending) for ending in _BESIDE)):
            if file.exists():
                aside = file.with_name(f"{path.stem}-{label[:8]}{file.suffix}")
                _move(file, aside)
                moved.append((file, aside))
    except AssetError:
        # One of the three is held by another program: all stay together.
        for file, aside in moved:
            with suppress(OSError):
                aside.replace(file)
        raise


def _move(path: Path, to: Path) -> None:
    try:
        path.replace(to)
    except OSError as error:
        raise AssetError(
            f"cannot move the older {path} out of the way ({error.strerror or error}); "
            "close what uses it, or train under another name"
        ) from error


def _origin(about: dict[str, Any]) -> str:
    training = about.get("training")
    return str(training.get("origin", "")) if isinstance(training, dict) else ""


def _prune(runs: Path, keep: Path) -> None:
    """Delete the oldest unfinished runs but for KEPT_RUNS, `keep` counted among them."""
    states = [state for state in runs.glob(f"*/{STATE_FILE}") if state.parent != keep]
    states.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for state in states[KEPT_RUNS - 1 :]:
        shutil.rmtree(state.parent, ignore_errors=True)


def _portraits(photos: Sequence[Photo]) -> list[Tile]:
    return [Tile(photos[0].image, "learned from")]


class _Journal:
    """Losses and previews of a run, on disk, so that one that goes on has all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            said = json.loads((folder / _JOURNAL).read_text("utf-8"))
            self._losses = dict(_pairs(said["losses"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self._losses = {}

    @property
    def losses(self) -> list[tuple[int, float]]:
        return sorted(self._losses.items())

    def add(self, report: StepReport) -> None:
        self._losses[report.step] = report.loss
        if report.previews is not None:
            picture = self.folder / f"preview-{report.step:06}.png"
            save_image(report.previews[0], picture, text=GENERATED)
        write_json({"losses": self.losses}, self.folder / _JOURNAL)

    def tiles(self) -> list[Tile]:
        files = sorted(self.folder.glob("preview-*.png"))
        return [Tile(load_image(f)[0], f"step {int(f.stem.split('-')[1])}") for f in files]
