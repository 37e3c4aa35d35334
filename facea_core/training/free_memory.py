"""How much memory there is for a training, and refusing one that is above it."""

from __future__ import annotations

import torch

from ..machine import require_memory
from .memory import Plan


def free_memory(device: str | torch.device) -> int | None:
    """Bytes that a training may take on `device`, those torch has in reserve included.

    None where that cannot be known, and on the CPU: there the same run must give the same bytes
    however full the machine is.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def require_room(plan: Plan, device: str | torch.device, *, loaded: int = 0) -> None:
    """Raises `ConfigError` for a plan that is above the memory which this machine has left.

    Of a CPU only: `plan` knows a GPU's, and there running out of it ends nothing. `loaded` are
    bytes of this backbone that are in memory already.
    """
    if torch.device(device).type == "cpu":
        require_memory(
            plan.peak - loaded,
            f"this training ({plan.line()})",
            "lower resolution, batch or variants, or set micro_batch to 1 and checkpointing to on",
        )
