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

from benchmarks.speed.machine import machine
from benchmarks.speed.models import painted_photos, random_backbone
from facea_core.backbone import Backbone
from facea_core.training import free_memory, plan_training, train_identity
from facea_core.training.memory import PHOTOS
from facea_core.types import StepReport

from .bench_memory import CUDA
from .one_step import FAMILY, Setting


def rows(settings: list[Setting]) -> Iterator[dict[str, Any]]:
    kept: dict[str, Backbone] = {}
    for setting in settings:
        if setting.family not in kept:
            kept.clear()
            kept[setting.family] = random_backbone(FAMILY[setting.family], "cuda", setting.dtype)
        row = measured(setting, kept[setting.family])
        print(json.dumps(row), flush=True)
        yield row


def measured(setting: Setting, backbone: Backbone) -> dict[str, Any]:
    """Planned, given out, taken and in use; GB."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    config = replace(
        setting.config, steps=6, resolution=setting.resolution, micro_batch=setting.micro_batch,
        checkpointing="on" if setting.checkpointing else "off",
    )  # fmt: skip
    plan = plan_training(backbone.spec, config, backbone.dtype, free_memory("cuda"))
    used: list[int] = []
    reports: list[StepReport] = []

    def look(_done: int, _total: int) -> None:
        free, total = torch.cuda.mem_get_info()
        used.append(total - free)

    train_identity(
        painted_photos(PHOTOS, setting.resolution), backbone, config,
        on_step=reports.append, on_tick=look, plan=plan,
    )  # fmt: skip
    taken = {
        "planned_gb": plan.peak,
        "allocated_gb": torch.cuda.max_memory_allocated(),
        "reserved_gb": torch.cuda.max_memory_reserved(),
        "on_card_gb": max(used),
    }
    return {
        "setting": str(setting),
        **{name: round(count / 1e9, 3) for name, count in taken.items()},
        "mode": reports[-1].mode,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of trainings on a CUDA device.")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = {"machine": machine(torch.device("cuda")), "memory": list(rows(CUDA))}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
