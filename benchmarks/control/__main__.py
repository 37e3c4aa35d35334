"""`python -m benchmarks.control`: whether a learned word paints its part, and nothing else.

May be stopped at any time; the same command goes on.
"""

from __future__ import annotations

from ..program import start
from .form import Control


def bench(flags: Control) -> None:
    from .run import run

    run(flags)


if __name__ == "__main__":
    start("benchmarks.control", Control, bench)
