"""What the figures were measured on, and what a step takes there at best."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from facea_core import __version__

FLOORS: dict[tuple[str, str], float] = {
    ("H100", "sd15"): 11.6,
    ("H100", "sdxl"): 24.0,
    ("RTX 4090", "sd15"): 50.0,
    ("RTX 4090", "sdxl"): 105.0,
}
"""Milliseconds of a step by roofline: products at full rate, everything pointwise fused.

SD1.5 at 512 px with 4 pictures, 7.22 + 0.08 TFLOP; SDXL at 1024 px with 1. Counted, not measured.
"""

BATCHES = {"sdxl": 1}
"""Pictures per step that the floors are for; 4 for the others."""

_QUERY = "driver_version,power.limit,clocks.max.sm,clocks.sm"


def floor(device: torch.device, model: str, batch: int) -> float | None:
    """Milliseconds that a step takes at best, where that was counted."""
    if device.type != "cuda" or batch != BATCHES.get(model, 4):
        return None
    name = torch.cuda.get_device_name(device)
    return next((ms for (card, m), ms in FLOORS.items() if card in name and m == model), None)


def machine(device: torch.device) -> dict[str, Any]:
    """Names and versions of all that the figures depend on."""
    found: dict[str, Any] = {
        "facea": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": "cpu",
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {
            "device": properties.name,
            "memory_gb": properties.total_memory / 1e9,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "card": _card(device),
        }
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _card(device: torch.device) -> str:
    """Driver, power limit and clocks, as nvidia-smi says; empty where it is not there."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    number = torch.cuda.current_device() if device.index is None else device.index
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader", "-i", str(number)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return f"{_QUERY}: {answer.stdout.strip()}"
