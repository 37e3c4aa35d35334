"""What a training step needs: predicted, counted without values, and measured on this CPU.

    python tests/bench/bench_memory.py [--table] [--json FILE] [--skip-measured]

predicted: `training.memory.predict_bytes`, what plans are made from.
counted:   the real step (`training.loop.make_step`) of the real full-size modules on torch's device
           "meta", where tensors have sizes and no values. Every operation's results are followed
           from birth to death; the peak is that of an allocator without fragments. Attention is the
           flash kernel, as CUDA takes it, and a convolution that has to change its input's layout
           counts the copy. It is a prediction of a GPU's peak, not a measurement.
measured:  the same step with real tensors on the CPU in float32; torch's profiler reports each
           allocation. Random weights: memory does not depend on values.

`--table` prints the table of `training/costs.py` as counted now. Measuring SDXL needs 18 GB.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from facea_core.backbone import Backbone
from tests.bench.one_step import FAMILY, Setting, build, peak_of
from tests.bench.step_costs import table_row

CUDA = [
    replace(setting, dtype=torch.bfloat16)
    for setting in (
        Setting("sd15", 512, 4, 4),
        Setting("sd15", 512, 4, 2),
        Setting("sd15", 512, 4, 4, True),
        Setting("sd15", 512, 4, 4, targets="wide", rank=16),
        Setting("sd15", 384, 1, 1),
        Setting("sd2", 512, 4, 4),
        Setting("sd2", 768, 4, 1),
        Setting("sdxl", 1024, 1, 1),
        Setting("sdxl", 1024, 4, 1),
        Setting("sdxl", 1024, 4, 4, True),
        Setting("sdxl", 1024, 1, 1, True),
        Setting("sdxl", 512, 1, 1, targets="wide"),
    )
]
"""Full size, as a GPU runs them."""

CPU = [
    Setting("facea-tiny", 128, 6, 6, targets="wide", rank=16),
    Setting("sd15", 256, 1, 1),
    Setting("sd15", 256, 4, 4),
    Setting("sd15", 256, 4, 2),
    Setting("sd15", 256, 4, 4, True),
    Setting("sd15", 384, 2, 2, targets="wide", rank=16),
    Setting("sd15", 512, 2, 2),
    Setting("sd2", 256, 2, 2),
    Setting("sdxl", 256, 1, 1),
    Setting("sdxl", 256, 2, 2, True),
    Setting("sdxl", 384, 1, 1),
]
"""Full-size modules at latents that a CPU can do."""


def rows(settings: list[Setting], device: str) -> Iterator[dict[str, Any]]:
    """Predicted against counted ("meta") or measured ("cpu"); GB, and errors as shares."""
    kept: dict[tuple[str, torch.dtype], Backbone] = {}
    for setting in settings:
        key = setting.family, setting.dtype
        if key not in kept:
            kept.clear()
            kept[key] = build(setting.family, device, setting.dtype)
        found, frozen = peak_of(setting, kept[key])
        predicted = setting.predicted()
        row = {
            "setting": str(setting),
            "predicted_gb": round(predicted / 1e9, 3),
            "measured_gb" if device == "cpu" else "counted_gb": round(found / 1e9, 3),
            "weights_gb": round(frozen / 1e9, 3),
            "error": round(predicted / found - 1, 4),
            "error_beyond_weights": round((predicted - frozen) / (found - frozen) - 1, 4),
        }
        print(json.dumps(row), flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a training step.")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-measured", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        print(json.dumps({name: table_row(name) for name in FAMILY}, indent=2))
        return
    result = {
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {platform.system()}, {torch.get_num_threads()} threads",
        "counted": list(rows(CUDA, "meta")),
        "measured": [] if arguments.skip_measured else list(rows(CPU, "cpu")),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
