"""What the benchmark is told beside its settings, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facea_core.cli.common import DetectorFlags, config_flag, device_flag, embedder_flag
from facea_core.cli.flags import flag


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
