"""Where the time before the first step of a training goes: one row per part, in seconds.

    python -m tests.bench.bench_startup [--model tiny] [--device cpu]

A first training in the process, and another; what lies inside a part and has a row of its own is no
part of it. Random weights.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.speed.models import family_named, painted_photos, random_backbone
from facea_core.training import TrainConfig, preset_for, train_identity

PARTS = {
    "photos hashed": ("facea_core.training.origin", "photos_hash"),
    "crops and masks": ("facea_core.training.loop", "build_cache"),
    "pictures encoded": ("facea_core.training.data", "_encode"),
    "photos and weights hashed": ("facea_core.training.loop", "Origin.of"),
    "LoRA made": ("facea_core.training.loop", "lora"),
    "attention tried": ("facea_core.training.gpu.attention", "fastest_backend"),
    "kernels tried": ("facea_core.training.gpu.learning", "fused_kernels"),
    "prompts prepared": ("facea_core.backbone.prompts", "TextEncoders.prepare"),
    "states saved": ("facea_core.training.state", "Checkpoint.save"),
    "states waited for": ("facea_core.training.state", "Checkpoint.flush"),
    "draws": ("facea_core.training.draws", "draw_step"),
}
"""What is measured, by the name under which it is called."""


class Watch:
    """Seconds by part; the device is waited for at every edge."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds, self.stack = device, defaultdict[str, float](float), ["the rest"]
        self.at = time.perf_counter()

    def edge(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds[self.stack[-1]] += now - self.at
        self.at = now

    def watched(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.edge()
            self.stack.append(part)
            try:
                return function(*given, **named)
            finally:
                self.edge()
                self.stack.pop()

        return call


@contextmanager
def watching(device: torch.device) -> Iterator[dict[str, float]]:
    """The seconds of each part while this is open."""
    watch = Watch(device)
    with ExitStack() as stack:
        for part, (module, path) in PARTS.items():
            *inside, name = path.split(".")
            owner: Any = import_module(module)
            for step in inside:
                owner = getattr(owner, step)
            stack.enter_context(
                patch.object(owner, name, watch.watched(part, getattr(owner, name)))
            )
        yield watch.seconds
        watch.edge()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="tiny", help="narrow, tiny, sd15-inpainting, …")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=4, help="4 include the capture of a graph")
    parser.add_argument("--threads", type=int, default=1)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    device = torch.device(flags.device)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    backbone = random_backbone(family_named(flags.model), device, dtype)
    photos = painted_photos(3, backbone.spec.resolution)
    preset = preset_for(backbone.spec.family)
    config = TrainConfig.from_preset(preset, steps=flags.steps, attributes="eyes, nose, mouth")
    columns = []
    for _ in range(2):
        with TemporaryDirectory() as folder, watching(device) as seconds:
            train_identity(photos, backbone, config, run_dir=folder)
        columns.append(seconds)
    rows = [*PARTS, "the rest"]
    print(f"{flags.model} on {device}, {flags.steps} steps, {config.variants} crops of each photo")
    print(f"{'seconds':18} {'first':>8} {'again':>8}")
    for row in rows:
        print(f"{row:18} {columns[0][row]:8.2f} {columns[1][row]:8.2f}")
    print(f"{'together':18} {sum(columns[0].values()):8.2f} {sum(columns[1].values()):8.2f}")


if __name__ == "__main__":
    main()
