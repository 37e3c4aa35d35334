"""The settings of the bench: one source for the CLI's flags and JSON files."""

from __future__ import annotations

from dataclasses import dataclass

from facea_core.settings import check_settings, setting


@dataclass(frozen=True)
class BenchConfig:
    """What is measured, and how long."""

    models: str = setting("auto", "narrow, sd15, sd2, sdxl, with commas; auto = as the device can")
    rounds: int = setting(3, "turns of each contender", 1, 1000)
    steps: int = setting(0, "measured steps in a turn; 0 = 30 on a GPU, 4 on a CPU", 0, 10_000)
    batch: int = setting(0, "pictures per step; 0 = 1 for sdxl, 4 for others", 0, 64)
    rank: int = setting(48, "LoRA rank", 1, 512)
    seed: int = setting(0, "of the training that is measured", 0, 2**64 - 1)
    timing: bool = setting(True, "time the contenders; without it they are only counted")
    curves: bool = setting(False, "compare 50 losses of the fast loop with a float32 reference")
    counts: str = setting("", "models to count on a GPU that is only pretended, with commas")
    end_to_end: bool = setting(False, "time 800 steps from a checkpoint to a saved identity")

    def __post_init__(self) -> None:
        check_settings(self)
