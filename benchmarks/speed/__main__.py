"""`python -m benchmarks.speed`: how fast training is here, beside loops as others write them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facea_core.cli import guarded
from facea_core.cli.common import config_flag, device_flag
from facea_core.cli.flags import Form, flag, parse
from facea_core.errors import BenchError

from .config import BenchConfig

PROGRAM = "python -m benchmarks.speed"


@dataclass(frozen=True)
class Bench(Form):
    """Time a training step on random weights, count what it does, and check what must hold.

    A status of 1 means that something did not hold. Needs peft, which is not needed to train.
    """

    device: str = device_flag("auto, cpu, cuda, cuda:1")
    json: Path | None = flag(None, "write all figures there; - is stdout", "FILE")
    config: Path | None = config_flag()


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(PROGRAM, Bench, arguments, bench=BenchConfig())
    from facea_core.cli.talk import hand_over, note, require_outputs, say
    from facea_core.cli.work.detectors import pick_device

    from .run import run_bench
    from .table import table

    require_outputs(flags.json)
    result = run_bench(configs["bench"], pick_device(flags.device), note)
    hand_over(result, flags.json)
    if str(flags.json) != "-":
        say(table(result))
    failed = [gate["name"] for gate in result["gates"] if not gate["passed"]]
    if failed:
        raise BenchError(f"{len(failed)} gates did not hold: {'; '.join(failed)}")


if __name__ == "__main__":
    sys.exit(guarded(PROGRAM, lambda: run(sys.argv[1:])))
