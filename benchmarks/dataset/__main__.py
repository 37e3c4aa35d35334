"""`python -m benchmarks.dataset`: what sets of sampled pictures are worth.

May be stopped at any time; the same command goes on.
"""

from __future__ import annotations

from ..program import start
from .form import Sets


def bench(flags: Sets) -> None:
    from .run import run

    run(flags)


if __name__ == "__main__":
    start("benchmarks.dataset", Sets, bench)
