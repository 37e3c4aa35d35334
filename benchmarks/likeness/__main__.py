"""`python -m benchmarks.likeness`: how like people become, and what each part adds to that."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from facea_core.cli import guarded
from facea_core.cli.flags import parse

from .config import BenchmarkConfig
from .form import Benchmark

PROGRAM = "python -m benchmarks.likeness"


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(PROGRAM, Benchmark, arguments, benchmark=BenchmarkConfig())
    from .work import benchmark

    benchmark(flags, configs["benchmark"])


if __name__ == "__main__":
    sys.exit(guarded(PROGRAM, lambda: run(sys.argv[1:])))
