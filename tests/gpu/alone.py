"""Trainings by the core alone, on a card that is told to be smaller: one line of JSON each.

    python -m tests.gpu.alone [--rehearse]

What 1,000 steps take without ComfyUI, and what trainings take of cards of 5 to 24 GB beside what
was planned for them: torch gets no more than that, and the planner is told the same.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import torch

from benchmarks.speed.models import family_named, painted_photos, random_backbone
from facea_core.backbone import Backbone
from facea_core.training import TrainConfig, free_memory, plan_training, train_identity
from facea_core.types import StepReport

CARDS = {"sd15-inpainting": (5, 8, 12), "sdxl-inpainting": (12, 16, 24)}
FAMILY = {"facea-tiny": "tiny", "sd15-inpainting": "sd15", "sdxl-inpainting": "sdxl"}


def rows(rehearse: bool) -> Iterator[dict[str, Any]]:
    device = torch.device("cpu" if rehearse else "cuda")
    if rehearse:
        yield measured("facea-tiny", made("facea-tiny", device), 20)
        return
    whole = torch.cuda.mem_get_info()[1]
    for model, sizes in CARDS.items():
        backbone = made(model, device)
        if model == "sd15-inpainting":
            yield measured(model, backbone, 10)  # warm
            yield measured(model, backbone, 1000)
        for gb in sizes:
            torch.cuda.set_per_process_memory_fraction(min(gb * 1e9 / whole, 1.0))
            yield measured(model, backbone, 10, card=gb)
            torch.cuda.set_per_process_memory_fraction(1.0)
        del backbone


def made(model: str, device: torch.device) -> Backbone:
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    return random_backbone(family_named(FAMILY[model]), device, dtype)


def measured(model: str, backbone: Backbone, steps: int, card: int = 0) -> dict[str, Any]:
    """One training; `card` is its size in GB, 0 for as large as it is."""
    cuda = backbone.device.type == "cuda"
    given = {} if cuda else {"batch": 1}
    config = TrainConfig.from_preset("paper" if cuda else "tiny", steps=steps, **given)
    gc.collect()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    free = free_memory(backbone.device)
    weights = sum(value.nbytes for m in backbone.modules for value in m.parameters())
    if card:
        free = min(free or 0, int(card * 1e9) - torch.cuda.memory_allocated())
    reports: list[StepReport] = []
    row = {"launch": "alone", "model": model, "what": f"{steps} steps", "alive": True}
    if card:
        row["what"] = f"card of {card} GB"
    began = perf_counter()
    try:
        plan = plan_training(backbone.spec, config, backbone.dtype, free, loaded=weights)
        row |= {"plan": plan.line(), "planned_gb": round(plan.peak / 1e9, 2)}
        photos = painted_photos(3, plan.resolution)
        train_identity(photos, backbone, config, on_step=reports.append, plan=plan)
    except Exception as error:  # whatever it is, the next row is wanted too
        row["error"] = f"{type(error).__name__}: {error}"[:300]
    if reports:
        row |= {"mode": reports[-1].mode, "step_ms": round(1000 * reports[-1].seconds / steps, 1)}
    if cuda:
        row["torch_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return {**row, "wall_s": round(perf_counter() - began, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rehearse", action="store_true")
    for row in rows(parser.parse_args().rehearse):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
