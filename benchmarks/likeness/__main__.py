"""`python -m benchmarks.likeness`: how like people become, and what each part adds to that."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facea_core.cli import guarded
from facea_core.cli.common import DetectorFlags, config_flag, device_flag, embedder_flag
from facea_core.cli.flags import flag, parse

from .config import BenchmarkConfig

PROGRAM = "python -m benchmarks.likeness"


@dataclass(frozen=True)
class Benchmark(DetectorFlags):
    """Learn people that nobody tuned to, paint them into pictures of others, and measure that.

    May be stopped at any time; the same command goes on. The tables and index.html tell of all
    that is in the folder.
    """

    out: Path = flag(
        Path("benchmark"),
        "folder for pictures, identities, lines of figures, tables and a page",
        "DIR",
    )
    base: str | Path = flag("tiny", "the inpainting model that all arms share", "CKPT|DIR|tiny")
    people_from: Path | None = flag(
        None,
        "real people: a folder of photos for each, with others in heldout/; none = painted people",
        "DIR",
    )
    scenes_from: Path | None = flag(
        None,
        "pictures to paint them into, and NAME.txt with what is asked for in NAME.jpg",
        "DIR",
    )
    clip: Path | None = flag(None, "a CLIP, for CLIP-I and CLIP-T", "DIR")
    dino: Path | None = flag(None, "a DINOv2 or ViT, for DINO", "DIR")
    embedder: str = embedder_flag()
    device: str = device_flag()
    config: Path | None = config_flag()


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(PROGRAM, Benchmark, arguments, benchmark=BenchmarkConfig())
    from .work import benchmark

    benchmark(flags, configs["benchmark"])


if __name__ == "__main__":
    sys.exit(guarded(PROGRAM, lambda: run(sys.argv[1:])))
