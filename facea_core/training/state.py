"""The run directory: one safetensors file that holds everything a run needs to go on.

Never a pickle: tensors plus one JSON text, so that a state from elsewhere can run no code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from ..errors import AssetError, StateError, TrainingError
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
from .losses import Losses
from .memory import Plan
from .origin import Beginning, Origin
from .saved import FORMAT, PLANNED, Saved, check_format, stated, whole
from .writer import Writing, settle

STATE_FILE = "state.safetensors"
_WEIGHT, _MOMENT, _RANDOM, _LOSSES = "weight:", "moment:", "random", "losses"
_TEXT = "facea.state"


@dataclass(eq=False)
class Checkpoint:
    """Where a run is saved, and everything in it that changes.

    `trained` are the parameters in the order of the optimiser's groups; `losses` are those since
    the last report. `done` steps are completed, after which the generator was in state `random`;
    `whole` is false while the weights are between two steps and belong to neither. Without a
    `run_dir` nothing is ever saved.
    """

    run_dir: Path | None
    origin: Beginning
    trained: Mapping[str, Flat]
    optimiser: Optimizer
    generator: torch.Generator
    losses: Losses
    done: int = 0
    random: Tensor = field(init=False)
    whole: bool = True
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

    def save(self, plan: Plan) -> None:
        """Have the state after `done` steps written, while the training continues.

        The file is complete, or the older one stays. Whether it could be written is told by
        `flush`, or by the log.
        """
        if self.path is None:
            return
        tensors = {_RANDOM: self.random, **self._places()}
        about = {
            "format": FORMAT,
            "step": self.done,
            "run": self.origin.to_dict(),
            "layout": self._layout(),
            "plan": {key: getattr(plan, key) for key in PLANNED},
        }
        # Copies, also on the CPU: the next step changes what they are copies of.
        now = {key: value.detach().to("cpu", copy=True).contiguous()
               for key, value in tensors.items()}  # fmt: skip
        text = json.dumps(about, sort_keys=True)
        self.writing = Writing(
            self.path, lambda: save(now, {_TEXT: text, SEAL: checksum(now, text)}), self.writing
        )

    def rollback(self) -> None:
        """Back to the last completed step, or the last saved one if the weights are between two.

        Raises `TrainingError` where nothing is saved.
        """
        if self.whole:
            # What was drawn for a step that failed is drawn for it again.
            self.generator.set_state(self.random)
        elif self.run_dir is not None:
            self.restore(read_state(self.run_dir, self.origin))
        else:
            raise TrainingError(
                "memory ran out while the weights were changing, and there is no run directory to "
                "go on from; give one, or train with checkpointing on"
            )

    @contextmanager
    def saved_on_exception(self, plan: Plan) -> Iterator[None]:
        """Save what was done inside, if anything, when an exception leaves; it is passed on."""
        first = self.done
        try:
            yield
        except BaseException:
            if self.whole and self.done > first:
                with suppress(AssetError, RuntimeError):  # the first exception is to be told
                    self.losses.check(None)
                    self.save(plan)
            raise

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
                self.losses.done.fill_(saved.step)
            self.generator.set_state(tensors[_RANDOM])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise _damaged(saved.path, error) from error
        self.done, self.random, self.whole = saved.step, self.generator.get_state(), True

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


def read_state(run_dir: Path, origin: Beginning) -> Saved:
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
    if saved.step > origin.steps:
        raise StateError(
            f"cannot resume {path}: it is at step {saved.step}, and {origin.steps} are "
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
