"""`python -m benchmarks.dataset`: what sets of sampled pictures are worth.

May be stopped at any time; the same command goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from facea_core.cli import guarded
from facea_core.cli.flags import parse

from .form import Sets

PROGRAM = "python -m benchmarks.dataset"


def main(arguments: Sequence[str]) -> None:
    flags, _ = parse(PROGRAM, Sets, arguments)
    from .run import run

    run(flags)


if __name__ == "__main__":
    sys.exit(guarded(PROGRAM, lambda: main(sys.argv[1:])))
