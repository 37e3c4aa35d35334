"""What whole trainings take of a CUDA device, against what was planned for them.

    python -m tests.bench.bench_memory_gpu [--json FILE]

Six steps of each of `bench_memory.CUDA`, photos encoded, graph captured and all, on random weights:
what torch gave out at most, what it took from the card for that, and what was in use on the card.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from facea_core.backbone import Backbone
from facea_core.benchmark.machine import machine
from facea_core.benchmark.models import painted_photos, random_backbone
from facea_core.training import train_identity
from facea_core.training.memory import PHOTOS, RESERVE, SLACK

from .bench_memory import CUDA, FAMILY, Setting


def rows(settings: list[Setting]) -> Iterator[dict[str, Any]]:
    """Planned, given out, taken and in use; GB."""
    kept: dict[str, Backbone] = {}
    for setting in settings:
        family = FAMILY[setting.family]
        if setting.family not in kept:
            kept.clear()
            kept[setting.family] = random_backbone(family, "cuda", setting.dtype)
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        used, reports = [0], []

        def look(_done: int, _total: int, used: list[int] = used) -> None:
            free, total = torch.cuda.mem_get_info()
            used.append(total - free)

        config = replace(
            setting.config, steps=6, resolution=setting.resolution,
            micro_batch=setting.micro_batch,
            checkpointing="on" if setting.checkpointing else "off",
        )  # fmt: skip
        train_identity(
            painted_photos(PHOTOS, setting.resolution), kept[setting.family], config,
            on_step=reports.append, on_tick=look,
        )  # fmt: skip
        allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        plan = int(SLACK * setting.predicted()) + RESERVE
        row = {
            "setting": str(setting),
            "planned_gb": round(plan / 1e9, 3),
            "allocated_gb": round(allocated / 1e9, 3),
            "reserved_gb": round(reserved / 1e9, 3),
            "on_card_gb": round(max(used) / 1e9, 3),
            "plan_over_reserved": round(plan / reserved - 1, 4),
            "mode": reports[-1].mode,
        }
        print(json.dumps(row), flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of trainings on a CUDA device.")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = {"machine": machine(torch.device("cuda")), "memory": list(rows(CUDA))}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
