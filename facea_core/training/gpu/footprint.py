"""What a training changes for its time: where modules lie, what is kept, how libraries choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .allocator import is_async


@contextmanager
def checkpointed(unet: Any, wanted: bool = True) -> Iterator[None]:
    """Gradient checkpointing: activations inside the blocks are computed again, not kept."""

    def again(module: Callable[..., Any], *inputs: Any) -> Any:
        # There is no dropout, and reading the random state would break a CUDA graph's capture.
        return checkpoint(module, *inputs, use_reentrant=False, preserve_rng_state=False)

    kept = [
        (m, m.gradient_checkpointing, m.__dict__.get("_gradient_checkpointing_func"))
        for m in unet.modules()
        if hasattr(m, "gradient_checkpointing")
    ]
    try:
        if wanted:
            unet.enable_gradient_checkpointing(again)
        yield
    finally:
        for module, flag, function in kept:
            module.gradient_checkpointing = flag
            module._gradient_checkpointing_func = function


def as_current(device: torch.device) -> AbstractContextManager[object]:
    """`device` as CUDA's current one for a while: streams, graphs and kernels are made there."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@contextmanager
def on_device(device: torch.device | str, *modules: nn.Module) -> Iterator[None]:
    """The modules on another device for a while."""
    before = [next(module.parameters()).device for module in modules]
    try:
        for module in modules:
            nn.Module.to(module, device)
        yield
    finally:
        for module, device in zip(modules, before, strict=True):
            nn.Module.to(module, device)


@contextmanager
def searched_convolutions(device: torch.device) -> Iterator[None]:
    """cuDNN tries its algorithms once for each shape; a training has few shapes and many steps.

    Not where a trial would take the whole card: there it is off also if the program had it on.
    """
    before = torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.benchmark = not is_async(device)
        yield
    finally:
        torch.backends.cudnn.benchmark = before
