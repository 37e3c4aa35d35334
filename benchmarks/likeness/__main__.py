"""`python -m benchmarks.likeness`: how like people become, and what each part adds to that."""

from __future__ import annotations

from ..program import start
from .config import BenchmarkConfig
from .form import Benchmark


def bench(flags: Benchmark, benchmark: BenchmarkConfig) -> None:
    from . import work

    work.benchmark(flags, benchmark)


if __name__ == "__main__":
    start("benchmarks.likeness", Benchmark, bench, benchmark=BenchmarkConfig())
