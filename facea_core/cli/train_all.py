"""`facea train-all`: learn everybody of whom there is a folder of photos."""

from __future__ import annotations

from collections.abc import Sequence

from .forms import TrainAll
from .train import told


def run(arguments: Sequence[str]) -> None:
    flags, configs = told("facea train-all", TrainAll, arguments)
    from .work.train_all import train_all

    train_all(flags, configs["training"], configs["detection"], configs["audit"])
