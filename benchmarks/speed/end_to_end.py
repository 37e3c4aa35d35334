"""From three photos and a checkpoint on disk to a saved identity, by the clock on the wall."""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from diffusers import DDIMScheduler

from facea_core.backbone import load_backbone
from facea_core.backbone.backbone import SCHEDULE
from facea_core.backbone.spec import Family
from facea_core.identity import save_identity
from facea_core.training import train_identity
from facea_core.training.config import TrainConfig
from facea_core.types import OnTick, StepReport

from .models import painted_photos, random_backbone

PHOTOS = 3
FOLDERS = {"clip_l": "text_encoder", "clip_h": "text_encoder", "clip_g": "text_encoder_2"}


def end_to_end(
    family: Family, config: TrainConfig, device: torch.device, on_tick: OnTick | None = None
) -> dict[str, Any]:
    """Seconds to load, to train (photos encoded, step captured, all included) and to save.

    The photos are painted and their faces known: finding them is not in it. The checkpoint is
    written before the clock starts, and the system may still have it in memory.
    """
    photos = painted_photos(PHOTOS, family.spec.resolution)
    reports: list[StepReport] = []
    on_cuda = device.type == "cuda"
    with tempfile.TemporaryDirectory(prefix="facea-bench-") as folder:
        base = Path(folder) / "base"
        _write(family, base, torch.bfloat16 if on_cuda else torch.float32, device)
        if on_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        began = perf_counter()
        backbone = load_backbone(base, device)
        loaded = perf_counter()
        identity = train_identity(
            photos, backbone, config,
            on_step=reports.append, on_tick=on_tick,
        )  # fmt: skip
        trained = perf_counter()
        proof = save_identity(identity, Path(folder) / "identity.safetensors")
        saved = perf_counter()
    return {
        "steps": config.steps,
        "batch": config.batch,
        "photos": PHOTOS,
        "load_s": loaded - began,
        "train_s": trained - loaded,
        "save_s": saved - trained,
        "total_s": saved - began,
        "mode": reports[-1].mode,
        "plan": reports[-1].plan,
        "saved": proof,
        "allocated_gb": torch.cuda.max_memory_allocated() / 1e9 if on_cuda else None,
    }


def _write(family: Family, base: Path, dtype: torch.dtype, device: torch.device) -> None:
    """Random weights as a diffusers folder."""
    backbone = random_backbone(family, device, dtype)
    # diffusers writes a file only from tensors that lie in rows.
    modules: tuple[Any, ...] = (backbone.unet, backbone.vae)
    for module in modules:
        module.to(memory_format=torch.contiguous_format)
    backbone.unet.save_pretrained(base / "unet")
    backbone.vae.save_pretrained(base / "vae")
    for name, encoder in backbone.text.encoders.items():
        encoder.save_pretrained(base / FOLDERS[name])
    schedule: dict[str, Any] = {**SCHEDULE, "prediction_type": family.spec.prediction}
    scheduler: Any = DDIMScheduler(**schedule)
    scheduler.save_pretrained(base / "scheduler")
