"""`facea train`: learn a person from a few photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..audit.config import AuditConfig
from ..detection.config import DetectConfig
from ..training.config import TrainConfig, preset_for
from ..training.earlier import RENAMED, RETIRED
from .audit import LIMITS
from .flags import parse
from .forms import Train, TrainingFlags

F = TypeVar("F", bound=TrainingFlags)


def run(arguments: Sequence[str]) -> None:
    flags, configs = told("facea train", Train, arguments)
    from .work.train import train

    train(flags, configs["training"], configs["detection"], configs["audit"], arguments)


def told(program: str, form: type[F], arguments: Sequence[str]) -> tuple[F, dict[str, Any]]:
    """The flags of a command that trains, and the configs `training`, `detection`, `audit`."""
    return parse(
        program,
        form,
        arguments,
        without={*LIMITS, "faces"} - {"resolution"},  # the training's, which comes first
        retired=RETIRED,
        renamed=RENAMED,
        defaults=preset_of,
        training=TrainConfig(),
        detection=DetectConfig(),
        audit=AuditConfig(),
    )


def preset_of(said: Mapping[str, Any]) -> dict[str, TrainConfig]:
    """The settings to begin with: those of `--preset`, else those for the family of `--base`."""
    preset, base = said.get("preset") or "", said.get("base")
    family = "facea-tiny" if base == "tiny" else ""
    if preset in ("", "selective") and base not in (None, "tiny"):
        from ..backbone import family_of

        family = family_of(base, said.get("vae"))
    return {"training": TrainConfig.from_preset(preset_for(family, preset))}
