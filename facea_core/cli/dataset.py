"""`facea dataset`: many different pictures of each of some trained people."""

from __future__ import annotations

from collections.abc import Sequence

from ..composing.config import ComposeConfig
from ..dataset.config import DatasetConfig
from .flags import parse
from .sampling import DatasetCommand

_ITS_OWN = ("candidates", "hair_room")


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea dataset",
        DatasetCommand,
        arguments,
        without=_ITS_OWN,
        dataset=DatasetConfig(),
        composing=ComposeConfig(),
    )
    from .work.dataset import dataset

    dataset(flags, configs["dataset"], configs["composing"])
