"""The run directory: one safetensors file that holds everything a run needs to go on.

Never a pickle: tensors plus one JSON text, so that a state from elsewhere can run no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isnan
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from ..errors import TrainingError
from ..identity.flat import Flat
from .config import TrainConfig, config_differences
from .losses import Losses
from .memory import Plan
from .writer import Writing, settle

STATE_FILE = "state.safetensors"
FORMAT = 2

_WEIGHT, _MOMENT, _RANDOM, _LOSSES, _BEST = "weight:", "moment:", "random", "losses", "best:"
_PLANNED = ("resolution", "micro_batch", "checkpointing")


@dataclass(frozen=True, eq=False)
class Origin:
    """What a run was started with; a state goes on only where all of it is the same.

    `photos` and `backbone` are hashes.
    """

    config: TrainConfig
    photos: str
    backbone: str
    name: str
    class_noun: str

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
        now = self.to_dict()
        found = config_differences(self.config, saved.get("config", {}))
        for key in ("photos", "backbone", "name", "class_noun"):
            if saved.get(key) != now[key]:
                found.append(f"{key}: {saved.get(key)!r} -> {now[key]!r}")
        return found


@dataclass(frozen=True, eq=False)
class Best:
    """The look that liked the person best, with the weights of its `step`.

    `looked` is the step of the last look, and `since` how many there were after the best.
    """

    score: float
    step: int
    looked: int
    since: int
    weights: Mapping[str, Tensor]


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
        tensors = {_RANDOM: self.random, _LOSSES: self.losses.sums}
        for name, flat in self.trained.items():
            tensors[_WEIGHT + name] = flat.parameter
            for key, moment in self.optimiser.state[flat.parameter].items():
                tensors[f"{_MOMENT}{key}:{name}"] = moment
        best = self.best
        if best is not None:
            tensors |= {_BEST + name: value for name, value in best.weights.items()}
        about = {
            "format": FORMAT,
            "step": self.done,
            "run": self.origin.to_dict(),
            "layout": self._layout(),
            "plan": {key: getattr(plan, key) for key in _PLANNED},
            "best": best and [best.score, best.step, best.looked, best.since],
        }
        # Copies, also on the CPU: the next step changes what they are copies of.
        now = {key: value.detach().to("cpu", copy=True).contiguous()
               for key, value in tensors.items()}  # fmt: skip
        text = {"facea.state": json.dumps(about, sort_keys=True)}
        self.writing = Writing(self.path, lambda: save(now, text), self.writing)

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
                for name, flat in self.trained.items():
                    flat.parameter.copy_(tensors[_WEIGHT + name])
                    for key, moment in self.optimiser.state[flat.parameter].items():
                        moment.copy_(tensors[f"{_MOMENT}{key}:{name}"])
                self.losses.sums.copy_(tensors[_LOSSES])
                self.losses.done.fill_(saved.step)
            self.generator.set_state(tensors[_RANDOM])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise _damaged(saved.path, error) from error
        self.done, self.random, self.whole = saved.step, self.generator.get_state(), True
        self.best = saved.best

    def _layout(self) -> dict[str, str]:
        return {name: flat.layout for name, flat in self.trained.items()}


@dataclass(frozen=True, eq=False)
class Saved:
    """A state as it was read, after `step` completed steps; `plan` is how they were run."""

    path: Path
    step: int
    tensors: Mapping[str, Tensor]
    layout: Mapping[str, str]
    plan: Mapping[str, Any]
    best: Best | None = None


def saved_step(run_dir: Path) -> int | None:
    """How many steps the state in `run_dir` has behind it; None if there is no state.

    0 for one that cannot be read: going on from it says what is wrong.
    """
    settle()
    path = run_dir / STATE_FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return int(json.loads((file.metadata() or {})["facea.state"])["step"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return 0


def read_state(run_dir: Path, origin: Origin) -> Saved:
    """The state in `run_dir`, if it belongs to a run with this origin.

    Raises `TrainingError` if there is none, it is damaged, newer, or has other settings, photos or
    model.
    """
    settle()
    path = run_dir / STATE_FILE
    if not path.is_file():
        raise TrainingError(f"nothing to resume: {path} does not exist; start without resume")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["facea.state"])
            # Copies: a tensor that still maps the file would keep Windows from replacing it.
            names = list(file.keys())
            tensors = {key: file.get_tensor(key).clone() for key in names}
        number, step = int(about["format"]), int(about["step"])
        different = origin.differences(about["run"])
        best = _best(about.get("best"), tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error
    if number > FORMAT:
        raise TrainingError(f"{path} was written by a newer version: update the pack")
    if number < FORMAT:
        raise TrainingError(
            f"{path} was written by an older version, which this one cannot go on with; delete it "
            "and start without resume"
        )
    if different:
        raise TrainingError(
            f"cannot resume {path}: this run differs from the saved one ({'; '.join(different)}); "
            "use the same settings, or start without resume"
        )
    return Saved(path, step, tensors, about.get("layout", {}), about.get("plan", {}), best)


def _best(about: Sequence[Any] | None, tensors: Mapping[str, Tensor]) -> Best | None:
    if not about:
        return None
    score, step, looked, since = about
    kept = [key for key in tensors if key.startswith(_BEST)]
    weights = {key.removeprefix(_BEST): tensors[key] for key in kept}
    return Best(float(score), int(step), int(looked), int(since), weights)


def _damaged(path: Path, error: Exception) -> TrainingError:
    return TrainingError(f"{path} is damaged ({error}); delete it and start without resume")
