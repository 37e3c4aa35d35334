"""Many changed files; see the package. Exits with 1 if a law does not hold."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

from . import identities, states


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=1000, help="changed identities")
    parser.add_argument("--states", type=int, default=100, help="changed states of runs")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    held = True
    with tempfile.TemporaryDirectory() as folder:
        for name, count, fuzz in (
            ("identities", flags.identities, identities.fuzz),
            ("states", flags.states, states.fuzz),
        ):
            if not count:
                continue
            began = time.process_time()
            tally = fuzz(count, Path(folder), flags.seed)
            print(f"{count} changed {name}, {time.process_time() - began:.0f} s CPU")  # noqa: T201
            print("\n".join(tally.lines()), flush=True)  # noqa: T201
            held = held and not tally.faults
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
