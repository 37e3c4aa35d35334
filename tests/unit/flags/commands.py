"""Commands in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facea_core.cli.compose import Compose
from facea_core.cli.flags import parse
from facea_core.cli.train import Train
from facea_core.composing.config import ComposeConfig
from facea_core.detection.config import DetectConfig
from facea_core.training.config import TrainConfig

TRAIN = ["--name", "a", "--class", "man", "--base", "tiny"]
COMPOSE = ["a.png", "--identity", "a", "--base", "tiny", "--out", "b.png"]


def file(**values: object) -> list[str]:
    """The flags that name a file with these values."""
    Path("x.json").write_text(json.dumps(values))
    return ["--config", "x.json"]


def trained(*arguments: str) -> tuple[Train, dict[str, Any]]:
    return parse("x", Train, [*TRAIN, *arguments], training=TrainConfig(), detection=DetectConfig())


def composed(*arguments: str) -> tuple[Compose, ComposeConfig]:
    flags, configs = parse("x", Compose, [*COMPOSE, *arguments], composing=ComposeConfig())
    return flags, configs["composing"]


def settings(*arguments: str) -> TrainConfig:
    return trained(*arguments)[1]["training"]


def usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of words that are no usage, which end with status 2."""
    with pytest.raises(SystemExit) as end:
        trained(*arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line
