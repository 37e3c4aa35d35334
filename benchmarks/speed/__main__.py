"""`python -m benchmarks.speed`: how fast training is here, beside loops as others write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facea_core.cli.common import config_flag, device_flag
from facea_core.cli.flags import Form, flag
from facea_core.errors import BenchError

from ..program import start
from .config import BenchConfig


@dataclass(frozen=True)
class Bench(Form):
    """Time a training step on random weights, count what it does, and check what must hold.

    A status of 1 means that something did not hold. Needs peft, which is not needed to train.
    """

    device: str = device_flag("auto, cpu, cuda, cuda:1")
    json: Path | None = flag(None, "write all figures there; - is stdout", "FILE")
    config: Path | None = config_flag()


def run(flags: Bench, bench: BenchConfig) -> None:
    from facea_core.cli.talk import hand_over, note, require_outputs, say
    from facea_core.cli.work.detectors import pick_device

    from .run import run_bench
    from .table import table

    require_outputs(flags.json)
    result = run_bench(bench, pick_device(flags.device), note)
    hand_over(result, flags.json)
    if str(flags.json) != "-":
        say(table(result))
    failed = [gate["name"] for gate in result["gates"] if not gate["passed"]]
    if failed:
        raise BenchError(f"{len(failed)} gates did not hold: {'; '.join(failed)}")


if __name__ == "__main__":
    start("benchmarks.speed", Bench, run, bench=BenchConfig())
