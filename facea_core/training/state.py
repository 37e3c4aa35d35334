"""The run directory: one safetensors file that holds everything a run needs to go on.

Never a pickle: tensors plus one JSON text, so that a state from elsewhere can run no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ..errors import TrainingError
from ..images import atomic_path
from .config import TrainConfig, config_differences
from .steps import Losses

STATE_FILE = "state.safetensors"
FORMAT = 1

_WEIGHT, _MOMENT, _RANDOM, _LOSSES = "weight:", "moment:", "random", "losses"


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
class Checkpoint:
    """Where a run is saved, and everything in it that changes.

    `parameters` are in the order of the optimiser's groups; `losses` are those since the last
    report. Without a `run_dir` nothing is ever saved.
    """

    run_dir: Path | None
    origin: Origin
    parameters: Mapping[str, nn.Parameter]
    optimiser: Optimizer
    generator: torch.Generator
    losses: Losses

    @property
    def path(self) -> Path | None:
        return self.run_dir and self.run_dir / STATE_FILE

    def save(self, step: int, random: Tensor) -> None:
        """Write the state after `step` steps, when the generator was in state `random`.

        The file is complete, or the older one stays. Raises `AssetError` if it cannot be written.
        """
        if self.path is None:
            return
        tensors = {_RANDOM: random, _LOSSES: self.losses.sums}
        for name, parameter in self.parameters.items():
            tensors[_WEIGHT + name] = parameter
            for key, moment in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{_MOMENT}{key}:{name}"] = moment
        about = {"format": FORMAT, "step": step, "run": self.origin.to_dict()}
        data = save(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()},
            {"facea.state": json.dumps(about, sort_keys=True)},
        )
        with atomic_path(self.path) as temporary:
            temporary.write_bytes(data)

    def restore(self, saved: Saved) -> int:
        """Put a saved state back into its places; returns how many steps were completed.

        Raises `TrainingError` if its tensors are not those of this run.
        """
        tensors = dict(saved.tensors)
        try:
            with torch.no_grad():
                for name, parameter in self.parameters.items():
                    parameter.copy_(tensors.pop(_WEIGHT + name))
                self.losses.sums.copy_(tensors.pop(_LOSSES))
            self.generator.set_state(tensors.pop(_RANDOM))
            self._restore_moments(tensors)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise _damaged(saved.path, error) from error
        return saved.step

    def _restore_moments(self, tensors: Mapping[str, Tensor]) -> None:
        moments: dict[int, dict[str, Tensor]] = {}
        index = {name: i for i, name in enumerate(self.parameters)}
        for key, moment in tensors.items():
            _, kind, name = key.split(":", 2)
            moments.setdefault(index[name], {})[kind] = moment
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})


@dataclass(frozen=True, eq=False)
class Saved:
    """A state as it was read, after `step` completed steps."""

    path: Path
    step: int
    tensors: Mapping[str, Tensor]


def saved_step(run_dir: Path) -> int | None:
    """How many steps the state in `run_dir` has behind it; None if there is no state.

    0 for one that cannot be read: going on from it says what is wrong.
    """
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
    path = run_dir / STATE_FILE
    if not path.is_file():
        raise TrainingError(f"nothing to resume: {path} does not exist; start without resume")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["facea.state"])
            # Copies: a tensor that still maps the file would keep Windows from replacing it.
            names = list(file.keys())
            tensors = {key: file.get_tensor(key).clone() for key in names}
        newer, step = int(about["format"]) > FORMAT, int(about["step"])
        different = origin.differences(about["run"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error
    if newer:
        raise TrainingError(f"{path} was written by a newer version: update the pack")
    if different:
        raise TrainingError(
            f"cannot resume {path}: this run differs from the saved one ({'; '.join(different)}); "
            "use the same settings, or start without resume"
        )
    return Saved(path, step, tensors)


def _damaged(path: Path, error: Exception) -> TrainingError:
    return TrainingError(f"{path} is damaged ({error}); delete it and start without resume")
