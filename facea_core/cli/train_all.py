"""`facea train-all`: learn everybody of whom there is a folder of photos."""

from __future__ import annotations

from collections.abc import Sequence

from ..audit.config import AuditConfig
from ..detection.config import DetectConfig
from ..training.config import TrainConfig
from ..training.earlier import RENAMED, RETIRED
from .audit import LIMITS
from .flags import parse
from .forms import TrainAll
from .train import preset_of


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea train-all",
        TrainAll,
        arguments,
        without={*LIMITS, "faces"} - {"resolution"},  # the training's, which comes first
        retired=RETIRED,
        renamed=RENAMED,
        defaults=preset_of,
        training=TrainConfig(),
        detection=DetectConfig(),
        audit=AuditConfig(),
    )
    from .work.train_all import train_all

    train_all(flags, configs["training"], configs["detection"], configs["audit"])
