"""How much memory there is for a training, the best plan in it, and refusing one that is above."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..backbone import Backbone
from ..machine import require_memory
from .config import TrainConfig
from .memory import Plan, plan_training
from .saved import Saved


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


def best_plan(backbone: Backbone, config: TrainConfig) -> Plan:
    """The best way to train on this backbone in the memory that is free now.

    Raises `ConfigError` for a resolution that the model cannot have.
    """
    free = free_memory(backbone.device)
    return plan_training(backbone.spec, config, backbone.dtype, free, loaded=backbone.bytes)


def plan_for(
    backbone: Backbone, config: TrainConfig, saved: Saved | None, plan: Plan | None
) -> Plan:
    """The plan of a saved run again, for equal bytes, but for what the config states by now.

    Without one, the given plan; else the best one.
    """
    if saved is None or not saved.plan:
        return plan or best_plan(backbone, config)
    was = "on" if saved.plan["checkpointing"] else "off"
    config = replace(
        config,
        resolution=config.resolution or saved.plan["resolution"],
        micro_batch=config.micro_batch or saved.plan["micro_batch"],
        checkpointing=was if config.checkpointing == "auto" else config.checkpointing,
    )
    return best_plan(backbone, config)


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
