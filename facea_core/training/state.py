"""The run directory: one safetensors file that holds everything a run needs to go on.

Never a pickle: tensors plus one JSON text, so that a state from elsewhere can run no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isnan
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from ..errors import StateError, TrainingError
from ..identity.flat import Flat
from ..io.files import open_plain
from ..io.tensor_files import (
    SEAL,
    check_seal,
    checksum,
    parse_json,
    read_header,
    read_tensors,
)
from .config import TrainConfig, config_differences
from .losses import Losses
from .memory import Plan
from .saved import BEST, FORMAT, PLANNED, Best, Saved, check_format, stated, whole
from .writer import Writing, settle

STATE_FILE = "state.safetensors"
_WEIGHT, _MOMENT, _RANDOM, _LOSSES = "weight:", "moment:", "random", "losses"
_TEXT = "facea.state"


@dataclass(frozen=True, eq=False)
class Origin:
    """What a run was started with; a state goes on only where all of it is the same.

    Or where only more steps are asked for: see `TrainConfig.same_steps`. `photos` and `backbone`
    are hashes, `count` is the number of photos.
    """

    config: TrainConfig
    photos: str
    backbone: str
    name: str
    class_noun: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        texts = {key: getattr(self, key) for key in ("photos", "backbone", "name", "class_noun")}
        return {**texts, "config": self.config.to_dict(), "config_hash": self.config.hash}

    @property
    def key(self) -> str:
        """16 hex digits over everything that the result depends on."""
        about = {key: value for key, value in self.to_dict().items() if key != "config"}
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, saved: Mapping[str, Any]) -> list[str]:
        """Each thing that is not the same, as "what: saved -> now"."""
        now, was = self.to_dict(), saved.get("config", {})
        if self.config.same_steps(was.get("steps"), self.count):
            was = {**was, "steps": self.config.steps}
        found = config_differences(self.config, was)
        for key in ("photos", "backbone", "name", "class_noun"):
            if saved.get(key) != now[key]:
                found.append(f"{key}: {saved.get(key)!r:.80} -> {now[key]!r}")
        return found


@dataclass(eq=False)
class Checkpoint:
    """Where a run is saved, and everything in it that changes.

    `trained` are the parameters in the order of the optimiser's groups; `losses` are those since
    the last report. `done` steps are completed, after which the generator was in state `random`;
    `whole` is false while the weights are between two steps and belong to neither. Without a
    `run_dir` nothing is ever saved.
    """

    run_dir: Path | None
    origin: Origin
    trained: Mapping[str, Flat]
    optimiser: Optimizer
    generator: torch.Generator
    losses: Losses
    done: int = 0
    random: Tensor = field(init=False)
    whole: bool = True
    best: Best | None = None
    writing: Writing | None = None

    def __post_init__(self) -> None:
        self.random = self.generator.get_state()
        self.optimiser.register_step_pre_hook(lambda *_: setattr(self, "whole", False))

    @property
    def path(self) -> Path | None:
        return self.run_dir and self.run_dir / STATE_FILE

    def advance(self) -> None:
        """Another step is completed."""
        self.done, self.random, self.whole = self.done + 1, self.generator.get_state(), True

    def look(self, score: float) -> None:
        """The weights got this score; a NaN is none, and of nothing but those the last is kept."""
        best, score = self.best, -inf if isnan(score) else score
        if best is None or score > best.score or best.score == -inf:
            weights = {name: flat.parameter.detach().cpu().clone()
                       for name, flat in self.trained.items()}  # fmt: skip
            self.best = Best(score, self.done, self.done, 0, weights)
        else:
            self.best = replace(best, looked=self.done, since=best.since + 1)

    @property
    def kept(self) -> int:
        """The step whose weights are the result."""
        return self.done if self.best is None else self.best.step

    def take_best(self) -> None:
        """Put the weights of the best look in their places, if there were looks."""
        if self.best is not None:
            with torch.no_grad():
                for name, flat in self.trained.items():
                    flat.parameter.copy_(self.best.weights[name])

    def save(self, plan: Plan) -> None:
        """Have the state after `done` steps written, while the training goes on.

        The file is complete, or the older one stays. Whether it could be written is told by
        `flush`, or by the log.
        """
        if self.path is None:
            return
        tensors, best = {_RANDOM: self.random, **self._places()}, self.best
        if best is not None:
            tensors |= {BEST + name: value for name, value in best.weights.items()}
        about = {
            "format": FORMAT,
            "step": self.done,
            "run": self.origin.to_dict(),
            "layout": self._layout(),
            "plan": {key: getattr(plan, key) for key in PLANNED},
            "best": best and [best.score, best.step, best.looked, best.since],
        }
        # Copies, also on the CPU: the next step changes what they are copies of.
        now = {key: value.detach().to("cpu", copy=True).contiguous()
               for key, value in tensors.items()}  # fmt: skip
        text = json.dumps(about, sort_keys=True)
        self.writing = Writing(
            self.path, lambda: save(now, {_TEXT: text, SEAL: checksum(now, text)}), self.writing
        )

    def flush(self) -> None:
        """Wait for the state that is being written. Raises `AssetError` if it could not be."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.wait()

    def restore(self, saved: Saved) -> None:
        """Put a saved state back into its places, which are the same tensors as before.

        Raises `TrainingError` if its tensors are not those of this run.
        """
        tensors = saved.tensors
        try:
            if saved.layout != self._layout():
                raise ValueError("its weights are those of other layers")
            with torch.no_grad():
                for key, place in self._places().items():
                    if tensors[key].shape != place.shape:
                        raise ValueError(f"{key} has another shape")
                    place.copy_(tensors[key])
                for name, flat in self.trained.items():
                    if saved.best and saved.best.weights[name].shape != flat.parameter.shape:
                        raise ValueError(f"{BEST}{name} has another shape")
                self.losses.done.fill_(saved.step)
            self.generator.set_state(tensors[_RANDOM])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise _damaged(saved.path, error) from error
        self.done, self.random, self.whole = saved.step, self.generator.get_state(), True
        self.best = saved.best

    def _places(self) -> dict[str, Tensor]:
        """Every tensor that a step changes, by its name in the file."""
        places = {_LOSSES: self.losses.sums}
        for name, flat in self.trained.items():
            places[_WEIGHT + name] = flat.parameter
            for key, moment in self.optimiser.state[flat.parameter].items():
                places[f"{_MOMENT}{key}:{name}"] = moment
        return places

    def _layout(self) -> dict[str, str]:
        return {name: flat.layout for name, flat in self.trained.items()}


def saved_step(run_dir: Path) -> int | None:
    """How many steps the state in `run_dir` has behind it; None if there is no state.

    0 for one that cannot be read: going on from it says what is wrong.
    """
    settle()
    try:
        return whole(_about(run_dir / STATE_FILE)["step"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, KeyError, TypeError, ValueError):
        return 0


def read_state(run_dir: Path, origin: Origin) -> Saved:
    """The state in `run_dir`, if it belongs to a run with this origin.

    Raises `TrainingError` if there is none, it cannot be read, or is newer, and `StateError` if it
    is damaged, too old, or has other settings, photos or model.
    """
    settle()
    path = run_dir / STATE_FILE
    try:
        with open_plain(path) as file:
            header = read_header(file)
            about = parse_json(header.metadata[_TEXT])
            number = check_format(path, about)
            if number == FORMAT and SEAL not in header.metadata:
                raise ValueError("it has no checksum")
            tensors = read_tensors(file, header)
            check_seal(header, tensors, _TEXT)
            saved = stated(path, about, tensors)
            different = origin.differences(about["run"])
    except FileNotFoundError as error:
        raise TrainingError(
            f"nothing to resume: {path} does not exist; start without resume"
        ) from error
    except OSError as error:
        raise TrainingError(
            f"cannot read {path} ({error.strerror or error}); check its permissions and the disk"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error
    if different:
        raise StateError(
            f"cannot resume {path}: this run differs from the saved one ({'; '.join(different)}); "
            "use the same settings, or start without resume"
        )
    if saved.step > origin.config.steps:
        raise StateError(
            f"cannot resume {path}: it is at step {saved.step}, and {origin.config.steps} are "
            "asked for; ask for more, or start without resume"
        )
    return saved


def can_begin(path: Path, origin: Origin, resolution: int) -> int:
    """How many steps of a run with this origin the state in the file `path` has done; 0 = none.

    From its header alone; whether its tensors are whole shows when it is read.
    """
    try:
        about = _about(path)
        step = whole(about["step"])
        fits = step <= origin.config.steps and about["plan"]["resolution"] == resolution
        return step if fits and not origin.differences(about["run"]) else 0
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return 0


def _about(path: Path) -> Any:
    """What the header of a state says, read without its tensors."""
    with open_plain(path) as file:
        return parse_json(read_header(file).metadata[_TEXT])


def _damaged(path: Path, error: Exception) -> StateError:
    return StateError(f"{path} is damaged ({error}); delete it and start without resume")
